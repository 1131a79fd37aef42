"""Compares the vocabulary room with Hugging Face `tokenizers` (pip install tokenizers): patterns, training, encoding.

    cargo build --release --example bpe_parity
    python tests/python/bpe_parity.py target/release/examples/bpe_parity --seimai target/release/seimai corpora-samples/*.jsonl

With `--seimai`, FILES are what `seimai count` reads: histograms of five kinds are counted and trained on by the program. `--long` reads FILES
itself, counts and encodes them too, and takes minutes. Merge for merge and id for id; exit code 1 if anything differs.

Two differences are meant, and set apart here: a token of ours never equals a special token (theirs would be merged into it), and whole
characters are kept whole, which is switched off.
"""
import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

CJK = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
WORDS = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
         "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")
SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
CL100K = SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SUFFIX}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SUFFIX}?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIALS = ["<|endoftext|>", "<|pad|>"]
FAILURES = []


def pre_tokenizer(pattern):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern == "gpt2")
    known = {"deepseek-v3": (r"\p{N}{1,3}", CJK, WORDS), "cl100k": (CL100K,), "o200k": (O200K,)}
    if pattern not in known:
        return byte_level
    splits = [pre_tokenizers.Split(Regex(regex), "isolated") for regex in known[pattern]]
    return pre_tokenizers.Sequence(splits + [byte_level])


def characters():
    order = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in order]
    return {byte: chr(byte) for byte in order} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


CHARACTER = characters()
BYTE = {character: byte for byte, character in CHARACTER.items()}


def ours(program, args, lines):
    """Runs the example; one JSON value a line in and out."""
    with tempfile.TemporaryFile("w+", encoding="utf8") as stdin:
        for line in lines:
            stdin.write(json.dumps(line, ensure_ascii=False) + "\n")
        stdin.seek(0)
        run = subprocess.run([program, *map(str, args)], stdin=stdin, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def verdict(name, cases, wrong, note=""):
    print(f"{name}: {cases - len(wrong)} of {cases} equal{note}")
    for case in wrong[:3]:
        print("   ", case)
    if wrong:
        FAILURES.append(name)


def random_strings(n, seed):
    """Strings that mix what patterns look at: every plane, controls, marks, joiners, spaces, line ends, unassigned ones."""
    rng = random.Random(seed)
    pools = ["aZé", "09٣〇Ⅳ①", " \t\u3000\u00a0\u2028", "\r\n", "あいぁんゝゞ", "カタヴー・゠ヿ", "\u3040\u3097\u3098\u3099\u309a\u309b",
             "漢字々〆㐀龥龦鿿", "。、「」!\"'.,_~()", "+-=$^`|<>", "\0\x01\x7f\u0085\u200b\u200d\ufeff\ufffd", "\u0301\ufe0f\u20e3", "😀👩🏽",
             "'s 'll 're", "ｱﾊﾟ１Ａ", "\U00020000\U000e0100\U0010ffff\ue000"]

    def character():
        if rng.random() < 0.25:
            code = rng.randrange(0x110000 if rng.random() < 0.3 else 0x3100)
            return chr(code) if not 0xD800 <= code < 0xE000 else "?"
        pool = rng.choice(pools)
        return pool if rng.random() < 0.05 else rng.choice(pool)

    def string():
        text = ""
        while rng.random() < 0.93:
            text += character() * (1 if rng.random() < 0.8 else rng.randrange(1, 6))
        return text

    return [string() for _ in range(n)]


def check_patterns(program, strings):
    for pattern in ("deepseek-v3", "gpt2", "cl100k", "o200k"):
        theirs = pre_tokenizer(pattern)
        wrong = []
        for text, ends in zip(strings, ours(program, ["split", pattern], strings), strict=True):
            end, expected = 0, []
            for piece, _ in theirs.pre_tokenize_str(text):
                end += len(piece)
                expected.append(end)
            if expected != ends:
                wrong.append((text, expected, ends))
        verdict(f"split {pattern}", len(strings), wrong)


def hugging_face(histogram, pattern, size, frequency=1, length=0):
    """Trains on a histogram: every piece comes as often as it was counted, as one word."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\n", "removed")
    options = {"max_token_length": length} if length else {}
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=frequency, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=list(BYTE), **options)
    words = ("".join(CHARACTER[byte] for byte in piece) for piece, count in histogram for _ in range(count))

    def batches():
        batch = []
        for word in words:
            batch.append(word)
            if len(batch) == 4096:
                yield "\n".join(batch)
                batch = []
        yield "\n".join(batch)

    tokenizer.train_from_iterator(batches(), trainer)
    tokenizer.pre_tokenizer = pre_tokenizer(pattern)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def rows(histogram):
    return [[piece.hex(), count] for piece, count in histogram]


def same_model(ours_json, tokenizer):
    theirs = json.loads(tokenizer.to_str())["model"]
    mine = ours_json["model"]
    return mine["merges"] == theirs["merges"] and mine["vocab"] == theirs["vocab"]


def tiny(rng):
    """A few pieces of two to four letters: runs, repetitions and overlaps, where merges could go wrong."""
    letters = "abcd"[:rng.randrange(2, 5)]
    pieces = Counter()
    for _ in range(rng.randrange(1, 8)):
        kind = rng.random()
        if kind < 0.25:
            piece = rng.choice(letters) * rng.randrange(1, 12)
        elif kind < 0.5:
            # The same short strings in other orders: what could make a token that exists already.
            parts = [rng.choice(letters) + rng.choice(letters), rng.choice(letters) * 2 + rng.choice(letters), rng.choice(letters)]
            piece = "".join(rng.choice(parts) for _ in range(rng.randrange(1, 6)))
        else:
            piece = "".join(rng.choice(letters) for _ in range(rng.randrange(1, 9)))
        pieces[piece.encode()] += rng.randrange(1, 4)
    return sorted(pieces.items(), key=lambda row: (-row[1], row[0]))


def check_tiny(program, n):
    rng = random.Random(1)
    for size, frequency, length in ((300, 1, 0), (265, 1, 0), (300, 2, 0), (300, 1, 4)):
        histograms = [tiny(rng) for _ in range(n)]
        lines = [line for histogram in histograms for line in rows(histogram) + [[]]]
        wrong = []
        for histogram, answer in zip(histograms, ours(program, ["train", "none", size, "false", frequency, length, 0], lines), strict=True):
            # No merge of these comes to a string that is a token already: nothing is passed over, and nothing left out of the comparison.
            if answer["passed_over"] or not same_model(answer["tokenizer"], hugging_face(histogram, "none", size, frequency, length)):
                wrong.append(histogram)
        verdict(f"train tiny, size {size}, frequency {frequency}, length {length}", n, wrong)


def check_ties(program):
    """Thousands of pieces with the same few counts: nearly every choice is a tie."""
    rng = random.Random(5)
    words = {"".join(rng.choice("abcdefghijkl") for _ in range(rng.randrange(2, 7))).encode() for _ in range(6000)}
    histogram = sorted(((word, rng.randrange(1, 3)) for word in words), key=lambda row: (-row[1], row[0]))
    for size in (1000, 6000):
        answer, = ours(program, ["train", "none", size, "false", 1, 0, 0], rows(histogram) + [[]])
        equal = same_model(answer["tokenizer"], hugging_face(histogram, "none", size))
        verdict(f"train ties, size {size}", 1, [] if equal else ["models differ"])


def check_histograms(seimai, files, size):
    """What the program counts and trains on: the five kinds of histograms that people train on."""
    import pyarrow.parquet
    kinds = {"morpheme": ("deepseek-v3", "morpheme"), "script": ("deepseek-v3", "script"), "runs": ("deepseek-v3", "none"),
             "gpt2": ("gpt2", "none"), "cl100k": ("cl100k", "none"), "whole lines": ("none", "none")}
    with tempfile.TemporaryDirectory() as scratch:
        for kind, (pattern, cuts) in kinds.items():
            counts, out = Path(scratch, "counts.parquet"), Path(scratch, "tokenizer")
            subprocess.run([seimai, "count", *files, "-o", counts, "--quiet", "--set", f"tokenizer.pattern={pattern}", "--set",
                            f"tokenizer.boundaries={cuts}"], check=True)
            subprocess.run([seimai, "train", counts, "--vocab-size", str(size), "-o", out, "--quiet", "--progress", "none", "--set",
                            "tokenizer.whole_characters=false", "--set", "tokenizer.superwords=0"], check=True)
            table = pyarrow.parquet.read_table(counts).to_pydict()
            histogram = [row[1:] for row in zip(table["level"], table["pre_token"], table["count"], strict=True) if row[0] == 0]
            mine = json.loads((out / "tokenizer.json").read_text(encoding="utf8"))
            equal = same_model(mine, hugging_face(histogram, pattern, size))
            verdict(f"train {kind}, {len(histogram)} pieces, {len(mine['model']['merges'])} merges", 1, [] if equal else ["models differ"])


def check_corpus(program, path, size):
    documents = [json.loads(line) for line in open(path, encoding="utf8")]
    documents = [{"text": d["text"], "ends": d.get("ends", [])} for d in documents]
    for pattern, cuts in (("deepseek-v3", "morpheme"), ("deepseek-v3", "script"), ("deepseek-v3", "none"), ("gpt2", "none"), ("none", "none"), ("cl100k", "none"), ("o200k", "none")):
        counted = [(bytes.fromhex(piece), count) for piece, count in ours(program, ["count", pattern, cuts], documents)]
        if cuts == "none":
            expected = Counter()
            theirs = pre_tokenizer(pattern)
            for document in documents:
                for line in document["text"].split("\n"):
                    expected.update(piece for piece, _ in theirs.pre_tokenize_str(line + "\n"))
                # The last line has no line feed.
                last = document["text"].split("\n")[-1]
                expected.subtract(piece for piece, _ in theirs.pre_tokenize_str(last + "\n"))
                expected.update(piece for piece, _ in theirs.pre_tokenize_str(last))
            expected = {bytes(BYTE[c] for c in piece): n for piece, n in expected.items() if n}
            verdict(f"count {pattern}", len(expected), [item for item in expected.items() ^ dict(counted).items()])
        answer, = ours(program, ["train", pattern, size, "false", 1, 0, 0], rows(counted) + [[]])
        tokenizer = hugging_face(counted, pattern, size)
        equal = same_model(answer["tokenizer"], tokenizer)
        verdict(f"train {pattern}/{cuts} {size}", 1, [] if equal else ["models differ"], f" ({answer['passed_over']} passed over)")
        check_encoding(program, answer["tokenizer"], f"{pattern}/{cuts}", documents)
    histograms = [ours(program, ["count", "deepseek-v3", cuts], documents) for cuts in ("morpheme", "none")]
    levels = [[*row, level] for level, histogram in enumerate(histograms) for row in histogram]
    answer, = ours(program, ["train", "deepseek-v3", size, "true", 1, 0, 0.5], levels + [[]])
    check_encoding(program, answer["tokenizer"], "deepseek-v3, superwords", documents)
    for pattern in ("deepseek-v3", "gpt2"):
        answer, = ours(program, ["train", pattern, size, "true", 1, 0, 0], rows(counted) + [[]])
        check_encoding(program, answer["tokenizer"], f"{pattern}, whole characters", documents)


def check_encoding(program, model, name, documents):
    theirs = Tokenizer.from_str(json.dumps(model))
    # A special token written out in a text is ordinary text for us.
    theirs.encode_special_tokens = True
    texts = [line for d in documents for line in d["text"].split("\n")][:6000] + [d["text"] for d in documents[:50]]
    texts += random_strings(20000, 7) + ["<|endoftext|> <|pad|>x", "ああ" * 5000, "a" * 5000, "\0" * 300]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf8") as file:
        json.dump(model, file, ensure_ascii=False)
        file.flush()
        mine = ours(program, ["encode", file.name], texts)
    expected = [encoding.ids for encoding in theirs.encode_batch(texts, add_special_tokens=False)]
    wrong = [(text[:80], a[:40], b[:40]) for text, a, b in zip(texts, expected, mine, strict=True) if a != b]
    verdict(f"encode {name}", len(texts), wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--seimai", help="the program that counts FILES and trains on them")
    parser.add_argument("--long", action="store_true", help='FILES hold {"text": …, "ends": [byte ends of morphemes, may be missing]} a line')
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--tiny", type=int, default=3000, help="random histograms for each of four settings")
    args = parser.parse_intermixed_args()
    check_patterns(args.program, random_strings(30000, 3))
    check_tiny(args.program, args.tiny)
    check_ties(args.program)
    if args.seimai:
        check_histograms(args.seimai, args.files, args.size)
    for path in args.files if args.long else []:
        check_corpus(args.program, path, args.size)
    sys.exit(bool(FAILURES))


if __name__ == "__main__":
    main()
