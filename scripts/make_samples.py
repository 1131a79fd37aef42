#!/usr/bin/env python3
"""Build the derived files of corpora-samples/ from the sources in scripts/samples/.

Most sample files are plain UTF-8 JSON Lines and are their own source. This script makes the others: compressed files,
Parquet, text in the older Japanese encodings, planted duplicates, garbled texts and two very long documents. The
output depends on the sources only; --check builds everything in memory and compares it with the files on disk by
content, so another version of a compressor is no difference.

    python3 scripts/make_samples.py            # write
    python3 scripts/make_samples.py --check    # compare, and test ids, labels and encodings

Needs pyarrow and zstandard.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
import unicodedata
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "scripts" / "samples"
SAMPLES = ROOT / "corpora-samples"
LICENSE = "CC0-1.0"
PLAIN = ("web", "statutes", "prose", "dialogue", "letters", "personal")

# name in the source -> (part of the file name, Python codec, line end, byte order mark)
ENCODINGS = {
    "sjis": ("sjis", "cp932", "\r\n", b""),
    "eucjp": ("eucjp", "euc_jp", "\n", b""),
    "iso2022jp": ("iso2022jp", "iso2022_jp", "\n", b""),
    "utf16le": ("utf16le", "utf-16-le", "\r\n", b"\xff\xfe"),
    "utf16be": ("utf16be", "utf-16-be", "\n", b"\xfe\xff"),
    "utf8": ("utf8", "utf-8", "\n", b""),
    "utf8bom": ("utf8bom", "utf-8", "\r\n", b"\xef\xbb\xbf"),
}

HALF_KANA = {
    "ー": "ｰ", "「": "｢", "」": "｣", "・": "･", "ア": "ｱ", "イ": "ｲ", "ウ": "ｳ", "エ": "ｴ", "オ": "ｵ", "カ": "ｶ", "キ": "ｷ", "ク": "ｸ",
    "ケ": "ｹ", "コ": "ｺ", "サ": "ｻ", "シ": "ｼ", "ス": "ｽ", "セ": "ｾ", "ソ": "ｿ", "タ": "ﾀ", "チ": "ﾁ", "ツ": "ﾂ", "テ": "ﾃ", "ト": "ﾄ",
    "ナ": "ﾅ", "ニ": "ﾆ", "ヌ": "ﾇ", "ネ": "ﾈ", "ノ": "ﾉ", "ハ": "ﾊ", "ヒ": "ﾋ", "フ": "ﾌ", "ヘ": "ﾍ", "ホ": "ﾎ", "マ": "ﾏ", "ミ": "ﾐ",
    "ム": "ﾑ", "メ": "ﾒ", "モ": "ﾓ", "ヤ": "ﾔ", "ユ": "ﾕ", "ヨ": "ﾖ", "ラ": "ﾗ", "リ": "ﾘ", "ル": "ﾙ", "レ": "ﾚ", "ロ": "ﾛ", "ワ": "ﾜ",
    "ヲ": "ｦ", "ン": "ﾝ", "ッ": "ｯ", "ャ": "ｬ", "ュ": "ｭ", "ョ": "ｮ", "ァ": "ｧ", "ィ": "ｨ", "ゥ": "ｩ", "ェ": "ｪ", "ォ": "ｫ",
    "\u3099": "ﾞ", "\u309a": "ﾟ",
}  # fmt: skip


def read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def jsonl(records: list[dict]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode("utf-8")


def wide(text: str) -> str:
    """ASCII letters, digits and marks as full-width ones."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def half_kana(text: str) -> str:
    """Katakana as half-width letters, voiced marks apart; everything else untouched."""
    out = []
    for c in text:
        parts = unicodedata.normalize("NFD", c) if "゠" <= c <= "ヿ" else c
        out.append("".join(HALF_KANA.get(p, p) for p in parts))
    return "".join(out)


def edited(text: str, edits: list[list[str]]) -> str:
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} occurs {text.count(old)} times, not once")
        text = text.replace(old, new)
    return text


def duplicate(recipe: dict, texts: dict[str, str]) -> str:
    """The text of a duplicate: a planted change of the document it was made of."""
    how = recipe["make"]
    if how == "text":
        return recipe["text"]
    text = texts[recipe["of"]]
    if how == "edit":
        return edited(text, recipe["edits"])
    if how == "frame":
        return f"{recipe['head']}\n{text}\n{recipe['foot']}"
    changes = {
        "exact": lambda t: t,
        "comma-period": lambda t: t.replace("、", "，").replace("。", "．"),
        "wide": wide,
        "decomposed": lambda t: unicodedata.normalize("NFD", t),
        "half-kana": half_kana,
        "wide-kana": lambda t: unicodedata.normalize("NFKC", t),
        "blank-lines": lambda t: t.replace("\n", "\n\n"),
        "crlf": lambda t: t.replace("\n", "\r\n"),
    }
    return changes[how](text)


def garbled(text: str, how: str) -> str:
    """Text after a wrong decoding, as such pages are found."""
    if how == "question marks":
        return text.encode("ascii", "replace").decode("ascii")
    if how == "replacement characters":
        return "".join("\ufffd" if i % 3 == 1 and c != "\n" else c for i, c in enumerate(text))
    if how == "iso-2022-jp without escapes":
        return text.encode("iso2022_jp").replace(b"\x1b", b"").decode("ascii")
    if how == "partly utf-8 as cp932":
        head, _, tail = text.rpartition("\n")
        return f"{head}\n{garbled(tail, 'utf-8 as cp932')}"
    written, _, read = how.partition(" as ")
    return text.encode(written).decode(read, "replace")


def build_duplicates(texts: dict[str, str]) -> list[dict]:
    out = []
    for recipe in read_jsonl(SOURCES / "duplicates.jsonl"):
        record = {"id": recipe["id"], "text": duplicate(recipe, texts), "source": "samples-duplicates"}
        record |= {"url": f"https://mirror.example.jp/{recipe['id']}", "license": LICENSE}
        out.append(record)
    return out


def build_dirty(texts: dict[str, str]) -> list[dict]:
    out = []
    for recipe in read_jsonl(SOURCES / "dirty.jsonl"):
        if recipe.get("make") != "garble":
            out.append(recipe)
            continue
        record = {"id": recipe["id"], "text": garbled(texts[recipe["of"]], recipe["how"]), "source": "samples-dirty"}
        record |= {"url": f"https://www.example.jp/dirty/{recipe['id']}", "license": LICENSE, "meta": {"garbled": recipe["how"]}}
        out.append(record)
    return out


def kanji(number: int) -> str:
    """1 … 999 as it is written in prose: 365 is 三百六十五."""
    out = ""
    for unit, mark in ((100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            out += ("" if digit == 1 and mark else "〇一二三四五六七八九"[digit]) + mark
    return out


class Decks:
    """Hand-written clauses, each list taken round in its own order, with numbers from a small generator of ours."""

    def __init__(self, decks: dict[str, list[str]]) -> None:
        self.decks = decks
        self.taken = dict.fromkeys(decks, 0)
        self.state = 20240401

    def number(self, low: int, high: int) -> int:
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return low + (self.state >> 8) % (high - low + 1)

    def take(self, name: str) -> str:
        deck = self.decks[name]
        clause = deck[self.taken[name] % len(deck)]
        self.taken[name] += 1
        if "{name}" in clause:
            clause = clause.replace("{name}", self.take("name"))
        return clause.replace("{n}", kanji(self.number(3, 240)))


def day_heading(entry: int, decks: Decks) -> tuple[str, str]:
    """Heading and season of a day of the lighthouse log."""
    day = date(2023, 1, 1) + timedelta(days=entry)
    season = ("winter", "spring", "summer", "autumn")[day.month % 12 // 3]
    wind = ("北", "北東", "東", "南東", "南", "南西", "西", "北西")[decks.number(0, 7)]
    return f"{kanji(day.month)}月{kanji(day.day)}日　{wind}の風、風力{kanji(decks.number(1, 8))}。", season


def compose(recipe: dict) -> str:
    """A long document of short entries. Lists joined in one sentence differ in length by no common factor: a pair comes again late."""
    decks = Decks(recipe["decks"])
    lines = [recipe["opening"]]
    for entry in range(recipe["entries"]):
        heading, season = f"町ができて{kanji(entry + 1)}年め。", ""
        if recipe["kind"] == "days":
            heading, season = day_heading(entry, decks)
        shape = recipe["shapes"][(entry * entry + entry // 3) % len(recipe["shapes"])]
        sentences = ("".join(decks.take(season if part == "season" else part) for part in sentence) for sentence in shape)
        lines.append(heading + "".join(sentences))
    return "\n".join(lines)


def build_long() -> list[dict]:
    recipes = json.loads((SOURCES / "long.json").read_text(encoding="utf-8"))
    shared = {"source": "samples-long", "license": LICENSE}
    return [{"id": r["id"], "text": compose(r), **shared, "meta": {"title": r["title"]}} for r in recipes]


def build_parquet(records: list[dict]) -> bytes:
    """`meta` is JSON text here: a Parquet column has one type."""
    names = ("id", "text", "source", "license", "date", "meta")
    columns = {name: [record.get(name) for record in records] for name in names}
    columns["meta"] = [None if m is None else json.dumps(m, ensure_ascii=False) for m in columns["meta"]]
    table = pa.table({name: pa.array(columns[name], pa.string()) for name in names})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", row_group_size=4)
    return sink.getvalue()


def text_files() -> dict[str, tuple[str, bytes]]:
    """File name under text/ -> document id and bytes."""
    out = {}
    for record in read_jsonl(SOURCES / "text.jsonl"):
        part, codec, newline, mark = ENCODINGS[record["encoding"]]
        body = (record["text"] + "\n").replace("\n", newline).encode(codec)
        if body.decode(codec).replace(newline, "\n") != record["text"] + "\n":
            raise ValueError(f"{record['id']} does not survive {codec}")
        out[f"text/{record['id']}.{part}.txt"] = (record["id"], mark + body)
    return out


def source_texts() -> dict[str, str]:
    """Every text that a recipe may refer to, by id."""
    files = [SAMPLES / f"{name}.jsonl" for name in PLAIN]
    files += [SOURCES / f"{name}.jsonl" for name in ("manuals", "notices", "mixed", "text", "dirty")]
    return {r["id"]: r["text"] for path in files for r in read_jsonl(path) if "text" in r}


def build() -> dict[str, bytes]:
    """Path under corpora-samples/ -> bytes."""
    texts = source_texts()
    manuals = jsonl(read_jsonl(SOURCES / "manuals.jsonl"))
    notices = jsonl(read_jsonl(SOURCES / "notices.jsonl"))
    files = {
        "duplicates.jsonl": jsonl(build_duplicates(texts)),
        "dirty.jsonl": jsonl(build_dirty(texts)),
        "long.jsonl": jsonl(build_long()),
        "manuals.jsonl.zst": zstandard.ZstdCompressor(level=19, write_checksum=True).compress(manuals),
        "notices.jsonl.gz": gzip.compress(notices, compresslevel=9, mtime=0),
        "mixed.parquet": build_parquet(read_jsonl(SOURCES / "mixed.jsonl")),
    }
    return files | {name: data for name, (_, data) in text_files().items()}


def content(name: str, data: bytes) -> object:
    """What a reader gets from a file, whatever wrote it."""
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompress(data)
    if name.endswith(".parquet"):
        return pq.ParquetFile(io.BytesIO(data)).read(use_threads=False).to_pylist()
    return data


def all_records(files: dict[str, bytes]) -> list[dict]:
    records = [r for name in PLAIN for r in read_jsonl(SAMPLES / f"{name}.jsonl")]
    for name, data in files.items():
        if name.endswith(".parquet"):
            records += content(name, data)
        elif not name.startswith("text/"):
            records += [json.loads(line) for line in content(name, data).decode("utf-8").split("\n") if line]
    return records + [r | {"source": "samples-text"} for r in read_jsonl(SOURCES / "text.jsonl")]


def faults(files: dict[str, bytes]) -> list[str]:
    """Sentences about whatever is wrong with the samples; empty when they are sound."""
    out = []
    for name, data in files.items():
        path = SAMPLES / name
        if not path.exists():
            out.append(f"{name} is missing")
        elif content(name, path.read_bytes()) != content(name, data):
            out.append(f"{name} differs from its sources")
    extra = {p.name for p in (SAMPLES / "text").glob("*")} - {Path(n).name for n in files}
    out += [f"text/{name} has no source" for name in sorted(extra)]
    records = all_records(files)
    ids = [r["id"] for r in records]
    out += [f"id {i} is used {ids.count(i)} times" for i in sorted(set(ids)) if ids.count(i) > 1]
    labels = read_jsonl(SOURCES / "labels.jsonl")
    labelled = {label["id"] for label in labels}
    out += [f"{i} has no label" for i in ids if i not in labelled]
    out += [f"label {i} has no document" for i in sorted(labelled - set(ids))]
    for label in labels:
        kind, _, value = label["expect"].partition(":")
        if kind == "duplicate_of" and value not in labelled:
            out.append(f"label {label['id']} names {value}, which does not exist")
    if len(ids) < 200:
        out.append(f"only {len(ids)} documents")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the files on disk instead of writing them")
    check = parser.parse_args().check
    files = build()
    if not check:
        for name, data in files.items():
            path = SAMPLES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    found = faults(files)
    for fault in found:
        print(fault, file=sys.stderr)
    records = all_records(files)
    characters = sum(len(r["text"]) for r in records)
    size = sum(len(r["text"].encode("utf-8")) for r in records)
    print(f"{len(records)} documents, {characters:,} characters, {size:,} bytes of UTF-8 text")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
