#!/usr/bin/env python3
"""Records what the patterns make of chosen and random strings: `python scripts/make_pattern_golden.py [FILE]`, with tokenizers 0.23.3.

Each line of src/bpe/golden/pattern.jsonl is a text, and for each pattern the ends of its pre-tokens in bytes. The texts that stand there
are recorded anew; those of TEXTS and random ones are added where they are not there yet.
"""

import json
import pathlib
import random
import sys

import tokenizers
from tokenizers import Regex, pre_tokenizers

FILE = pathlib.Path(__file__).resolve().parents[1] / "src/bpe/golden/pattern.jsonl"
SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CL100K = SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|NUMBER| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SUFFIX}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SUFFIX}?"
    r"|NUMBER| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = [
    "NUMBER",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
UP_TO_3, SINGLE = r"\p{N}{1,3}", r"\p{N}"


def splits(*expressions):
    return [pre_tokenizers.Split(Regex(expression), "isolated") for expression in expressions]


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def patterns():
    found = {}
    for name, number in (("", UP_TO_3), (" single", SINGLE)):
        for family, expressions in (("deepseek-v3", DEEPSEEK), ("cl100k", [CL100K]), ("o200k", [O200K])):
            found[family + name] = [*splits(*(e.replace("NUMBER", number) for e in expressions)), byte_level(False)]
    found["gpt2"] = [byte_level(True)]
    found["gpt2 single"] = [*splits(SINGLE), byte_level(True)]
    found["none single"] = [*splits(SINGLE), byte_level(False)]
    return {name: pre_tokenizers.Sequence(steps) for name, steps in found.items()}


TEXTS = [
    "It's HE'S we'RE I'VE 'LL'd'ſ 'Sit", "HTTPServer getHTTPResponseCode iPhone McDonald's", "ＡＢｃ Ｄef", "あABC東京Tower ABCあい",
    "a/b//c/\r\n/d", "。/\n//", "\u0301ABC \u0301abc a\u0301B\u0301C", "ǅungla ǅABC", "١٢٣٤ ⅣⅤ 一二三 １２３４", "tab\tword  two\n\n three \r\n", "x=1234567;y=0",
    "   12  a", "12 34", "  1\n 2", "'s", "''s", "'", "ʰʰABC", "price:¥1,980（税込）", "えっ!?", "a\u00a0b\u3000c\u3000\u3000d", "\u200bA\u200bb",
]  # fmt: skip
PIECES = [*"AaBbÉéǅſʰあア漢々ー。、！!'/-_(=1２Ⅳ٣ \t\n\r", "\u0301", "\u3099", "\u200b", "\u3000", "\u00a0", "  ", "'s", "'RE", "ll", "\u3097", "😀"]


def main() -> None:
    if tokenizers.__version__ != "0.23.3":
        sys.exit(f"error: tokenizers 0.23.3 is what the file was recorded with, this is {tokenizers.__version__}")
    file = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    texts = [json.loads(line)["text"] for line in file.read_text().splitlines()]
    draw = random.Random(11)
    texts += TEXTS + ["".join(draw.choices(PIECES, k=draw.randint(1, 14))) for _ in range(250)]
    known = patterns()
    with file.open("w") as out:
        for text in dict.fromkeys(texts):
            row = {"text": text}
            for name, pattern in sorted(known.items()):
                ends = [span[1] for _, span in pattern.pre_tokenize_str(text)] if text else []
                row[name] = [len(text[:end].encode()) for end in ends]
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
