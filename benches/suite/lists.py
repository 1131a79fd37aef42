#!/usr/bin/env python3
"""What a list of short words finds in clean text: at one hit as a substring, at one hit on boundaries of morphemes, and at the thresholds of `web`.

    lists.py [--seimai target/release/seimai] [--shared ../shared] [--limit 2000] [--words FILE] [--report FILE.json]

Documents of three sources, as normalised. The list is in the style of those that are published for filtering: short words that stand inside others. Python 3.9 or later.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile

SOURCES = {"statutes": "law", "literature": "aozora", "encyclopaedia": "kyoto-wiki"}
WORDS = "二号 死 犯罪 女中 デリ ちつ ガス リュ 殺す 暴力 毒 薬 妾 淫 売春 麻薬 自殺 強盗 奴隷 乞食".split()


def read(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def run(a, source, words, thresholds, scratch):
    out = os.path.join(scratch, "out")
    file = os.path.join(a.shared, "data", "corpus", source + ".jsonl.zst")
    subprocess.run([a.seimai, "filter", file, "--preset", "none", "--words", words, "--set", f"quality.thresholds={thresholds}", "--set", "pii.action=keep",
                    "--limit", str(a.limit), "--output", out, "--quiet"], check=True)
    return read(os.path.join(out, "kept.jsonl")), read(os.path.join(out, "rejected.jsonl"))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--shared", default="../shared")
    p.add_argument("--limit", type=int, default=2000)
    p.add_argument("--words")
    p.add_argument("--report")
    a = p.parse_args()
    words = [line.strip() for line in open(a.words, encoding="utf-8") if line.strip() and not line.startswith("#")] if a.words else WORDS
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "words.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(words) + "\n")
        for name, source in SOURCES.items():
            kept, one = run(a, source, path, "{ng_types=1}", scratch)
            texts = [record["text"] for record in kept + one]
            substring = sum(any(word in text for word in words) for text in texts)
            ours = {word: 0 for word in words}
            for record in one:
                told = re.search(r"words (.*)$", record["evidence"])
                for word, n in re.findall(r"(\S+) ×(\d+)", told.group(1) if told else ""):
                    ours[word] = ours.get(word, 0) + int(n)
            _, many = run(a, source, path, "{ng_types=6,ng_chars=0.05}", scratch)
            found[name] = {"documents": len(texts), "one_substring": substring, "one_word": len(one), "web": len(many),
                           "hits": {word: [sum(text.count(word) for text in texts), ours[word]] for word in words}}
            of = len(texts) / 100
            print(f"{name}: {len(texts)} documents, lost at one substring {substring / of:.1f} %, at one word {len(one) / of:.1f} %, at the thresholds of web {len(many) / of:.1f} %")
            print("  " + ", ".join(f"{word} {n} → {m}" for word, (n, m) in found[name]["hits"].items() if n))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as f:
            json.dump({"limit": a.limit, "words": words, "sources": found}, f, ensure_ascii=False, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
