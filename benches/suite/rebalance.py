#!/usr/bin/env python3
"""A mixture of registers over 100,000 made documents: how near it comes to what can be had, and whether threads show.

    rebalance.py --seimai SEIMAI [--documents 100000] [--report FILE]

Documents of 2 to 12 sentences in plain, polite or honorific style are made from a fixed seed; half are polite, two of five plain, one of ten honorific. The
plan asks for .45 polite, .35 plain-written, .20 honorific in characters. Prints the distance to the feasible shares and whether all outputs of one and
two threads have the same bytes. Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from run_tree import tree

WHO = ["私", "彼", "母", "先生", "隣の人", "店員", "友人", "駅員"]
WHAT = ["本", "花", "水", "米", "手紙", "切符", "地図", "写真"]
ENDS = {
    "polite": (0.5, ["を買いました。", "を見ています。", "が好きです。", "を送りました。"]),
    "plain": (0.4, ["を買った。", "を見ている。", "が好きだ。", "を送った。"]),
    "honorific": (0.1, ["をご覧になりました。", "を召し上がりました。", "をくださいました。"]),
}
PLAN = """[input]
paths = ["in.jsonl"]
[quality]
preset = "none"
[dedup]
near = false
[tokenizer]
vocab_size = 2000
[keigo]
policy = "rebalance"
[keigo.rebalance]
target = { polite = 0.45, plain-written = 0.35, honorific = 0.2 }
max_drop = 0.8
"""


def document(choose):
    style = choose.choices(list(ENDS), [weight for weight, _ in ENDS.values()])[0]
    sentences = choose.randint(2, 12)
    return "".join(f"{choose.choice(WHO)}は{choose.randint(1, 9999)}番の{choose.choice(WHAT)}{choose.choice(ENDS[style][1])}" for _ in range(sentences))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seimai", required=True)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--report")
    arguments = parser.parse_args()
    choose = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf8") as out:
            for number in range(arguments.documents):
                out.write(json.dumps({"id": f"d{number}", "text": document(choose)}, ensure_ascii=False) + "\n")
        with open(os.path.join(folder, "plan.toml"), "w") as out:
            out.write(PLAN)
        seimai = os.path.abspath(arguments.seimai)
        for threads in ("1", "2"):
            command = [seimai, "run", "plan.toml", "--out", threads, "--threads", threads, "--progress", "none", "--quiet"]
            subprocess.run(command, cwd=folder, check=True)
        mixture = json.load(open(os.path.join(folder, "1", "manifest.json")))["mixture"]
        same = tree(os.path.join(folder, "1")) == tree(os.path.join(folder, "2"))
    result = {"documents": arguments.documents, "distance_to_feasible": mixture["distance_to_feasible"], "same_bytes_for_1_and_2_threads": same,
              "registers": {name: {"target": row["target"], "achieved": row["achieved"], "before": row["before"], "after": row["after"]}
                            for name, row in mixture["registers"].items()}}
    print(json.dumps(result))
    if arguments.report:
        with open(arguments.report, "w") as out:
            json.dump(result, out, indent=1)
            out.write("\n")


main()
