#!/usr/bin/env python3
"""Vocabularies of Seimai, Hugging Face (BPE) and SentencePiece (BPE and unigram) of the same text and size, and what each makes of text it was not trained on.

    vocabularies.py --seimai PROGRAM --out DIR [--shared ../shared] [--megabytes 60] [--sizes 32000,64000] [--sides NAME,…] [--report FILE]

Text: shared/data/corpus through `seimai normalize`, so that every side reads the same characters. One document in ten is held out; of the rest the same share is taken of every
source, spread over it, so that the megabytes come out. DIR keeps the text and the vocabularies (what is there is not made again); `bits.py` reads them.

A side is seimai-PATTERN-SUPERWORDS, huggingface-PATTERN (the pattern of our tokenizer.json, and the plain recipe of one stage), sentencepiece-bpe or sentencepiece-unigram. SentencePiece has its own rules for splitting, the normaliser `identity`, byte fallback, no
dummy prefix, and lines of any length. Measured by MeCab with unidic-lite, on 400 kB of the held-out documents of each source:

* characters a token;
* boundaries: share of token ends that are ends of morphemes (precision), share of ends of morphemes that are token ends (recall);
* straddle: tokens that contain an end of a morpheme and begin or end inside one; clean: tokens that begin and end at ends of morphemes.

Each figure for all sources together and for prose (literature, encyclopaedia, statutes, chat). Needs tokenizers, sentencepiece, fugashi, unidic-lite, and zstd on the PATH.
"""
import argparse
import collections
import itertools
import json
import os
import subprocess
import sys
import time

PROSE = ("aozora", "kyoto-wiki", "law", "realpersonachat")
HELD_OUT = 400_000
SPECIAL = ["<|endoftext|>", "<|pad|>"]


def documents(path):
    process = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE)
    for line in process.stdout:
        yield json.loads(line)["text"]
    process.wait()


def text(args):
    """Makes train.jsonl, train.txt and held-out.jsonl: normalised documents with their source."""
    corpus = os.path.join(args.shared, "data", "corpus")
    sources = sorted(name[: -len(".jsonl.zst")] for name in os.listdir(corpus) if name.endswith(".jsonl.zst"))
    paths = {name: os.path.join(args.out, name) for name in ("train.jsonl", "train.txt", "held-out.jsonl")}
    if all(map(os.path.exists, paths.values())):
        return paths
    sizes = {source: [len(text.encode()) for text in documents(os.path.join(corpus, source + ".jsonl.zst"))] for source in sources}
    share = args.megabytes * 1_000_000 / sum(size for of in sizes.values() for number, size in enumerate(of) if number % 10)
    raw = {name: open(paths[name] + ".raw", "w", encoding="utf-8") for name in ("train.jsonl", "held-out.jsonl")}
    for source in sources:
        seen, taken, kept = 0, 0, 0
        for number, document in enumerate(documents(os.path.join(corpus, source + ".jsonl.zst"))):
            size = sizes[source][number]
            if number % 10 == 0:
                name, kept = ("held-out.jsonl" if kept < HELD_OUT else None), kept + size
            else:
                seen += size
                name = "train.jsonl" if taken < seen * share else None
                taken += size if name else 0
            if name:
                raw[name].write(json.dumps({"id": f"{source}/{number}", "source": source, "text": document}, ensure_ascii=False) + "\n")
    for name, file in raw.items():
        file.close()
        with open(paths[name], "wb") as out:
            subprocess.run([args.seimai, "normalize", "--quiet", "-"], stdin=open(file.name, "rb"), stdout=out, check=True)
        os.remove(file.name)
    with open(paths["train.txt"], "w", encoding="utf-8") as out:
        for line in open(paths["train.jsonl"], encoding="utf-8"):
            out.write(json.loads(line)["text"].rstrip("\n") + "\n")
    return paths


def seimai(args, paths, size, recipe):
    """recipe: pattern and share of superwords, as in cl100k-0.25."""
    pattern, superwords = recipe.rsplit("-", 1)
    counts = os.path.join(args.out, f"counts-{pattern}.parquet")
    if not os.path.exists(counts):
        command = [args.seimai, "count", paths["train.jsonl"], "-o", counts, "--set", "tokenizer.superwords=0.5", "--set", f'tokenizer.pattern="{pattern}"', "--quiet"]
        subprocess.run(command, check=True)
    folder = os.path.join(args.out, f"seimai-{recipe}-{size}")
    command = [args.seimai, "train", counts, "--vocab-size", str(size), "--set", f"tokenizer.superwords={superwords}", "-o", folder, "--quiet"]
    if not os.path.exists(folder):
        subprocess.run(command, check=True)
    return os.path.join(folder, "tokenizer.json")


def huggingface(args, paths, size, pattern):
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
    path = os.path.join(args.out, f"huggingface-{pattern}-{size}.json")
    if not os.path.exists(path):
        told = json.load(open(seimai(args, paths, size, pattern + "-0.0"), encoding="utf-8"))
        tokenizer = Tokenizer.from_str(json.dumps({**told, "model": {**told["model"], "vocab": {}, "merges": []}, "added_tokens": []}))
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[AddedToken(s, special=True) for s in SPECIAL],
                                      initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
        tokenizer.train([paths["train.txt"]], trainer)
        tokenizer.save(path)
    return path


def sentencepiece(args, paths, size, kind):
    import sentencepiece as spm
    prefix = os.path.join(args.out, f"sentencepiece-{kind}-{size}")
    if not os.path.exists(prefix + ".model"):
        spm.SentencePieceTrainer.train(
            input=paths["train.txt"], model_prefix=prefix, vocab_size=size, model_type=kind, character_coverage=0.9995, byte_fallback=True, num_threads=2,
            normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False, max_sentence_length=1 << 20, minloglevel=2)
    return prefix + ".model"


class ByteLevel:
    """A tokenizer.json: ids, and the byte ends of each token."""

    def __init__(self, path):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(path)
        self.size = self.tokenizer.get_vocab_size()
        self.length = [len(self.tokenizer.id_to_token(i)) for i in range(self.size)]

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def ends(self, text):
        return list(itertools.accumulate(self.length[i] for i in self.ids(text)))


class Pieces:
    """A SentencePiece model: ids, and the byte ends of each piece."""

    def __init__(self, path):
        import sentencepiece as spm
        self.model = spm.SentencePieceProcessor(model_file=path)
        self.size = self.model.vocab_size()
        self.length = [1 if self.model.is_byte(i) else len(self.model.id_to_piece(i).replace("▁", " ").encode()) for i in range(self.size)]

    def ids(self, text):
        return self.model.encode(text)

    def ends(self, text):
        return list(itertools.accumulate(self.length[i] for i in self.ids(text)))


def reader(path):
    return ByteLevel(path) if path.endswith(".json") else Pieces(path)


def morphemes(tagger, line):
    """Byte offsets at which a morpheme begins or ends; white space stands between morphemes."""
    at, ends = 0, {0}
    for node in tagger(line):
        at += len(node.white_space.encode())
        ends.add(at)
        at += len(node.surface.encode())
        ends.add(at)
    ends.add(len(line.encode()))
    return ends


def measure(side, lines):
    """lines: (source, text, offsets of morphemes)."""
    sums = collections.defaultdict(collections.Counter)
    for source, line, boundaries in lines:
        ends = side.ends(line)
        if not ends or ends[-1] != len(line.encode()):
            sys.exit(f"the tokens of {line[:60]!r} have {ends[-1:]} bytes, the text has {len(line.encode())}")
        inner = sorted(boundaries)
        begin, i, count = 0, 0, collections.Counter()
        for end in ends:
            while i < len(inner) and inner[i] <= begin:
                i += 1
            holds = i < len(inner) and inner[i] < end
            whole = begin in boundaries and end in boundaries
            count.update(tokens=1, clean=whole, straddle=holds and not whole, right=end in boundaries)
            begin = end
        count.update(characters=len(line), bytes=begin, morphemes=len(inner) - 1)
        sums[source].update(count)
    out = {}
    for name, of in (("all", list(sums)), ("prose", [s for s in sums if s in PROSE])):
        total = sum((sums[s] for s in of), collections.Counter())
        tokens = total["tokens"]
        out[name] = {"characters_per_token": round(total["characters"] / tokens, 4), "straddle": round(total["straddle"] / tokens, 4),
                     "clean": round(total["clean"] / tokens, 4), "precision": round(total["right"] / tokens, 4), "recall": round(total["right"] / total["morphemes"], 4)}
    out["by_source"] = {s: {"characters_per_token": round(c["characters"] / c["tokens"], 4), "straddle": round(c["straddle"] / c["tokens"], 4)} for s, c in sums.items()}
    return out


def make(args, paths, side, size):
    if side.startswith("seimai-"):
        return seimai(args, paths, size, side[len("seimai-"):])
    if side.startswith("huggingface-"):
        return huggingface(args, paths, size, side[len("huggingface-"):])
    return sentencepiece(args, paths, size, side.split("-")[1])


def main():
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--seimai", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--megabytes", type=int, default=60)
    p.add_argument("--sizes", default="32000,64000")
    p.add_argument("--sides", default="seimai-deepseek-v3-0.0,seimai-deepseek-v3-0.25,seimai-deepseek-v3-0.5,seimai-cl100k-0.25,huggingface-deepseek-v3,sentencepiece-bpe,sentencepiece-unigram")
    p.add_argument("--report")
    args = p.parse_args()
    if not os.path.isdir(os.path.join(args.shared, "data", "corpus")):
        sys.exit("skipped: vocabularies needs shared/data/corpus (not found)")
    import fugashi
    import unidic_lite
    os.makedirs(args.out, exist_ok=True)
    paths = text(args)
    tagger = fugashi.GenericTagger(f"-r /dev/null -d {unidic_lite.DICDIR}")
    lines = []
    for line in open(paths["held-out.jsonl"], encoding="utf-8"):
        record = json.loads(line)
        for part in record["text"].split("\n"):
            part = part.replace("\0", "")
            if part:
                lines.append((record["source"], part, morphemes(tagger, part)))
    rows = []
    for size in map(int, args.sizes.split(",")):
        for side in args.sides.split(","):
            start = time.monotonic()
            path = make(args, paths, side, size)
            made = time.monotonic() - start
            rows.append({"side": side, "size": size, "made_s": round(made, 1), "load1": os.getloadavg()[0], **measure(reader(path), lines)})
            print(json.dumps({**rows[-1], "by_source": None}), flush=True)
    if args.report:
        with open(args.report, "w", encoding="utf-8") as out:
            json.dump({"train_mb": round(os.path.getsize(paths["train.txt"]) / 1e6, 1), "held_out_mb": round(sum(len(line.encode()) for _, line, _ in lines) / 1e6, 2), "rows": rows},
                      out, ensure_ascii=False, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
