#!/usr/bin/env python3
"""Makes src/corpus/charset/frequent/LANGUAGE.txt: how rare a character is among those of its script, from texts of that language.

    scripts/make_frequent.py CHARSET FROM TO TEXT… > src/corpus/charset/frequent/ja.txt

Counts the characters of the texts (UTF-8, each text weighs the same) whose code in CHARSET (a Python codec) lies between FROM and TO (hex).
Line n of the output holds the characters with a probability of about 2^-(4 + n): how often each occurs is a figure of the texts, nothing
else of them is kept. Characters below 2^-15 are not listed.
"""
import collections
import math
import sys

LEVELS, FIRST = 12, 4


def main():
    charset, low, high = sys.argv[1], int(sys.argv[2], 16), int(sys.argv[3], 16)
    shares = collections.Counter()
    for name in sys.argv[4:]:
        counts = collections.Counter(open(name, encoding="utf-8").read())
        counts = {c: n for c, n in counts.items() if low <= code(c, charset) <= high}
        total = sum(counts.values())
        for c, n in counts.items():
            shares[c] += n / total / len(sys.argv[4:])
    levels = [[] for _ in range(LEVELS)]
    for c, share in shares.items():
        level = max(0, round(-math.log2(share)) - FIRST)
        if level < LEVELS:
            levels[level].append(c)
    for level in levels:
        print("".join(sorted(level)))


def code(c, charset):
    try:
        return int.from_bytes(c.encode(charset), "big")
    except UnicodeEncodeError:
        return 0


main()
