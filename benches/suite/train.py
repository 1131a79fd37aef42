#!/usr/bin/env python3
"""Training a vocabulary end to end, ours and peers alternating: CPU seconds, wall seconds and peak memory of each process.

    train.py TEXT --seimai PROGRAM --python PYTHON [--python-of gigatoken=PYTHON] [--size 32000] [--rounds 2] [--report FILE]

TEXT has a paragraph a line. PYTHON has tokenizers, gigabpe, rustbpe, ffbpe and sentencepiece; a peer that lives elsewhere is given by --python-of. Ours counts (reads, normalises nothing, splits) and
trains in two processes, which are added up. Peers read, split, count, merge and save. The best round counts, every row is kept. Standard library only.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SCRIPT = r"\p{Han}+|\p{Hiragana}+|[\p{Katakana}ー]+|\p{L}+|\p{N}+|\s+|[^\p{L}\p{N}\s]+"

PEERS = {
    "tokenizers": """
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
t = Tokenizer(models.BPE())
byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex == "gpt2")
t.pre_tokenizer = byte_level if regex == "gpt2" else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), byte_level])
t.train([text], trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
t.save(out + "/tokenizer.json")
""",
    "gigabpe": """
import gigabpe
gigabpe.train_tokenizer([text], vocab_size=size, output=out + "/tokenizer.json", pretokenizer="bytelevel", special_tokens=["<|endoftext|>"], threads=threads)
""",
    "rustbpe": """
import rustbpe
t = rustbpe.Tokenizer()
t.train_from_iterator(open(text, encoding="utf8", newline="\\n"), size, pattern=gpt2 if regex == "gpt2" else regex)
""",
    "ffbpe": """
import ffbpe
counter = ffbpe.PreTokenizer([], pat_str=gpt2 if regex == "gpt2" else regex).word_counter()
counter.add_source(open(text, encoding="utf8", newline="\\n"))
trainer = ffbpe.BpeTrainer([])
trainer.add_word_counter(counter)
trainer.train(vocab_size=size)
trainer.validate_model().save_pretrained(out)
""",
    "gigatoken": """
import gigatoken
gigatoken.train_bpe(text, size, ["<|endoftext|>"])
""",
    "sentencepiece": """
import sentencepiece
sentencepiece.SentencePieceTrainer.train(input=text, model_prefix=out + "/m", vocab_size=size, model_type="bpe", character_coverage=0.9995, byte_fallback=True,
    num_threads=threads, input_sentence_size=0, max_sentence_length=100000, normalization_rule_name="identity", minloglevel=2)
""",
}

# They have a split of their own.
ONE_SPLIT = ("gigabpe", "gigatoken", "sentencepiece")


def run(command, env=None):
    """CPU, wall, peak memory in MB of a process."""
    start = time.time()
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:4]}: {errors.decode()[-400:]}")
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "wall_s": round(time.time() - start, 3), "rss_mb": usage.ru_maxrss // 1024}


def documents(text, path):
    """The text as documents of some thousand characters: our command takes a file of plain text for one document."""
    with open(text, encoding="utf8", newline="\n") as lines, open(path, "w", encoding="utf8") as out:
        held, size = [], 0
        for line in lines:
            held.append(line)
            size += len(line)
            if size > 4000:
                out.write(json.dumps({"text": "".join(held)}, ensure_ascii=False) + "\n")
                held, size = [], 0
        if held:
            out.write(json.dumps({"text": "".join(held)}, ensure_ascii=False) + "\n")


def in_a_quarter(a, jsonl, scratch):
    """With a quarter of the memory that it takes by itself, 64 MiB at least; and whether the merges are the same."""
    whole = ours(a, jsonl, scratch, "gpt2", a.threads)
    merges = open(f"{scratch}/gpt2/tokenizer.json", "rb").read()
    memory = max(64, whole["rss_mb"] // 4)
    part = ours(a, jsonl, scratch, "gpt2", a.threads, memory=f"{memory}MiB")
    return {**part, "memory_mib": memory, "same_merges": open(f"{scratch}/gpt2/tokenizer.json", "rb").read() == merges, "whole": whole}


def ours(a, jsonl, scratch, kind, threads, more=(), memory=None):
    pattern, boundaries = {"gpt2": ("gpt2", "none"), "script": ("gpt2", "script"), "morpheme": ("deepseek-v3", "morpheme"), "lines": ("none", "none")}[kind]
    counts = f"{scratch}/{kind}.parquet"
    settings = ["--set", "pii.action=keep", "--set", "normalize.form=none", "--set", f"tokenizer.pattern={pattern}", "--set", f"tokenizer.boundaries={boundaries}",
                "--set", "tokenizer.superwords=0", *(("--memory", memory) if memory else ())]
    more = (*more, "--memory", memory) if memory else more
    count = run([a.seimai, "count", jsonl, "-o", counts, "--threads", str(threads), "--quiet", *settings])
    train = run([a.seimai, "train", counts, "--vocab-size", str(a.size), "-o", f"{scratch}/{kind}", "--threads", str(threads), "--quiet", "--progress", "none",
                 "--set", "tokenizer.superwords=0", *more])
    return {"cpu_s": round(count["cpu_s"] + train["cpu_s"], 3), "wall_s": round(count["wall_s"] + train["wall_s"], 3), "rss_mb": max(count["rss_mb"], train["rss_mb"]),
            "count": count, "train": train}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("text")
    p.add_argument("--seimai", required=True)
    p.add_argument("--python", required=True)
    p.add_argument("--python-of", action="append", default=[])
    p.add_argument("--size", type=int, default=32000)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--peers", nargs="*", default=list(PEERS))
    p.add_argument("--report")
    a = p.parse_args()
    rows = []
    elsewhere = dict(given.split("=", 1) for given in a.python_of)
    with tempfile.TemporaryDirectory() as scratch:
        jsonl = f"{scratch}/text.jsonl"
        documents(a.text, jsonl)
        exact = ("--set", "tokenizer.whole_characters=false")
        engines = {"seimai gpt2": lambda: ours(a, jsonl, scratch, "gpt2", a.threads), "seimai gpt2, Hugging Face's merges": lambda: ours(a, jsonl, scratch, "gpt2", a.threads, exact),
                   "seimai gpt2, one thread": lambda: ours(a, jsonl, scratch, "gpt2", 1), "seimai gpt2, a quarter of the memory": lambda: in_a_quarter(a, jsonl, scratch),
                   "seimai script": lambda: ours(a, jsonl, scratch, "script", a.threads),
                   "seimai morpheme": lambda: ours(a, jsonl, scratch, "morpheme", a.threads), "seimai morpheme, one thread": lambda: ours(a, jsonl, scratch, "morpheme", 1),
                   "seimai lines": lambda: ours(a, jsonl, scratch, "lines", 1),
                   "seimai 8k to 128k, morpheme counts": lambda: run([a.seimai, "train", f"{scratch}/morpheme.parquet", "--vocab-size", "8000,16000,32000,64000,128000", "-o",
                                                                     f"{scratch}/all", "--quiet", "--progress", "none", "--set", "tokenizer.superwords=0", "--threads", str(a.threads)])}
        for name in a.peers:
            for kind, regex in (("gpt2", "gpt2"), ("script", SCRIPT)):
                if kind == "script" and name in ONE_SPLIT:
                    continue
                head = f"text, out, size, threads, regex, gpt2 = {a.text!r}, {scratch!r}, {a.size}, {a.threads}, {regex!r}, {GPT2!r}\n"
                env = dict(os.environ, RAYON_NUM_THREADS=str(a.threads), TOKENIZERS_PARALLELISM="true")
                engines[f"{name} {kind}"] = lambda python=elsewhere.get(name, a.python), code=head + PEERS[name], env=env: run([python, "-c", code], env)
        for round_ in range(a.rounds):
            for name, engine in engines.items():
                rows.append({"engine": name, "round": round_, "load1": round(os.getloadavg()[0], 1), **engine()})
                print(json.dumps(rows[-1]), flush=True)
    best = {name: min((row for row in rows if row["engine"] == name), key=lambda row: row["cpu_s"]) for name in engines}
    summary = {"text": os.path.basename(a.text), "mb": round(os.path.getsize(a.text) / 1e6, 1), "size": a.size, "threads": a.threads,
               "best": {name: {key: row[key] for key in ("cpu_s", "wall_s", "rss_mb")} for name, row in best.items()}}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "rows": rows}, out, indent=1)
            out.write("\n")


main()
