#!/usr/bin/env python3
"""Prints src/corpus/charset/jisx0213.txt: the cells of JIS X 0213:2004 that JIS X 0208 has not, from Python's codec euc_jis_2004.

    scripts/make_jisx0213.py > src/corpus/charset/jisx0213.txt

A line a row: plane-row, then its 94 cells, separated by one blank; "-" where there is none. 25 cells are two code points. Cells 1-2-54 and
1-2-55 are U+2985 and U+2986 as in Python; other tables have U+FF5F and U+FF60, which NFKC makes the same.
"""
PLANE_2 = {1, 3, 4, 5, 8, *range(12, 16), *range(78, 95)}


def decoded(code, charset):
    try:
        return code.decode(charset)
    except UnicodeDecodeError:
        return ""


def main():
    for plane in (1, 2):
        for row in range(1, 95):
            if plane == 2 and row not in PLANE_2:
                continue
            cells = []
            for cell in range(1, 95):
                code = b"\x8f" * (plane - 1) + bytes([0xA0 + row, 0xA0 + cell])
                known = plane == 1 and decoded(code, "euc_jp")
                cells.append("-" if known else decoded(code, "euc_jis_2004") or "-")
            if set(cells) != {"-"}:
                print(f"{plane}-{row}", " ".join(cells))


main()
