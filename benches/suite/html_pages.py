#!/usr/bin/env python3
"""HTML: main content against peers, on pages whose chrome no tag marks, and the tests of the HTML standard.

    html_pages.py pages SEIMAI GOLD [--python PYTHON] [--rounds 3] [--report FILE]
    html_pages.py standard HTML5LIB_TESTS [--report FILE]

GOLD is a folder with docs.jsonl, gold.jsonl and pages.warc made by shared/data/gen/synth.py (shared/data/synth/d20k, unpacked). Each side reads the WARC
file and writes a text a page: `SEIMAI normalize`, which also normalises, and with PYTHON fastwarc + resiliparse and warcio + trafilatura; a package that
is not there is skipped. Sides alternate; CPU seconds of the process, imports and all; every row is kept. Then letters and digits of lines of chrome that are gone and of
lines of text that are: on documents to be kept that their charset holds (pages.tsv, if it is there) and that are not garbled on purpose, apart for sites with even and odd numbers (words of chrome were collected on the even ones).

`standard` runs the test of the room over a copy of html5lib-tests and reports cases and right ones by kind. Standard library only, beside the peers.
"""
import argparse
import collections
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import unicodedata


def peer_resiliparse(path):
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding
    for record in ArchiveIterator(open(path, "rb"), record_types=WarcRecordType.response, parse_http=True):
        body = record.reader.read()
        page = bytes_to_str(body, record.http_charset or detect_encoding(body))
        yield record.record_id, extract_plain_text(page, main_content=True)


def peer_trafilatura(path):
    import trafilatura
    from warcio.archiveiterator import ArchiveIterator
    for record in ArchiveIterator(open(path, "rb")):
        if record.rec_type == "response":
            text = trafilatura.extract(record.content_stream().read())
            yield record.rec_headers.get_header("WARC-Record-ID"), text or ""


PEERS = {"fastwarc + resiliparse": (peer_resiliparse, "resiliparse"), "warcio + trafilatura": (peer_trafilatura, "trafilatura")}


def bare(text):
    """Letters and digits: signs are written in one way by NFKC and in another by `seimai normalize`, which keeps 〜 and full-width marks."""
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", text))


def gold(folder):
    """Number of the document → site, lines and whether each is chrome."""
    documents, lossless = {}, None
    if os.path.exists(os.path.join(folder, "pages.tsv")):
        with open(os.path.join(folder, "pages.tsv"), encoding="utf8") as rows:
            lossless = [row.rstrip("\n").endswith("\t1") for row in rows][1:]
    with open(os.path.join(folder, "docs.jsonl"), encoding="utf8") as docs, open(os.path.join(folder, "gold.jsonl"), encoding="utf8") as golds:
        for number, (doc, told) in enumerate(zip(docs, golds)):
            doc, told = json.loads(doc), json.loads(told)
            if told["expect"] != "keep" or told.get("mojibake") or lossless and not lossless[number]:
                continue
            lines, start, spans = [], 0, told.get("boiler", ())
            for line in doc["text"].split("\n"):
                covered = sum(max(0, min(start + len(line), span["end"]) - max(start, span["start"])) for span in spans)
                if bare(line):
                    lines.append((bare(line), 2 * covered > len(line)))
                start += len(line) + 1
            documents[number] = (told.get("site") if spans else None, lines)
    return documents


def score(documents, texts):
    counts = collections.defaultdict(collections.Counter)
    for number, (site, lines) in documents.items():
        whole = bare(texts.get(number, ""))
        main = "".join(line for line, is_chrome in lines if not is_chrome)
        for sites in ("all", "none" if site is None else "even" if site % 2 == 0 else "odd"):
            count = counts[sites]
            for line, is_chrome in lines:
                # A peer may join lines, so a line is looked for in the whole text; chrome is still there if it is there more often than in the text.
                if is_chrome:
                    count["chrome"] += len(line)
                    count["removed"] += len(line) * (whole.count(line) <= main.count(line))
                else:
                    count["text"] += len(line)
                    if line not in whole:
                        there = sum(len(piece) for piece in re.split(r"(?<=[。、])", line) if piece in whole)
                        count["lost"] += len(line) - there
    share = lambda part, whole: round(part / whole, 5) if whole else None
    return {sites: {"chrome": c["chrome"], "chrome_removed": share(c["removed"], c["chrome"]), "text": c["text"], "text_lost": share(c["lost"], c["text"])}
            for sites, c in sorted(counts.items())}


def read_texts(path):
    texts = {}
    for line in open(path, encoding="utf8"):
        row = json.loads(line)
        # The generator numbers its records: urn:uuid:<eight hexadecimal digits>-…
        found = re.search(r"uuid:([0-9a-f]{8})-", row["id"])
        texts[int(found.group(1), 16)] = row["text"]
    return texts


def timed(command, out):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(out, "wb") as file:
        # A page whose charset is garbled on purpose is quarantined, and then the exit code is 3.
        code = subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code not in (0, 3):
        sys.exit(f"{command[0]} ended with {code}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pages(a):
    warc = os.path.join(a.gold, "pages.warc")
    sides = {"seimai": [a.seimai, "normalize", "--quiet", warc]}
    for name, (_, package) in PEERS.items():
        if subprocess.run([a.python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0:
            sides[name] = [a.python, os.path.abspath(__file__), "peer", name, warc]
        else:
            print(f"skipped: {name} needs the package {package} (not found)")
    rows, best, texts = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(a.rounds):
            order = list(sides) if round_ % 2 == 0 else list(sides)[::-1]
            for name in order:
                out = os.path.join(folder, "out.jsonl")
                seconds = timed(sides[name], out)
                rows.append({"side": name, "round": round_, "cpu_s": round(seconds, 2), "mb_per_s": round(os.path.getsize(warc) / 1e6 / seconds, 2), "load1": os.getloadavg()[0]})
                print(json.dumps(rows[-1]), flush=True)
                best[name] = min(best.get(name, seconds), seconds)
                texts[name] = read_texts(out)
    documents = gold(a.gold)
    summary = {"pages_mb": round(os.path.getsize(warc) / 1e6, 1), "sides": {
        name: {"mb_per_s": round(os.path.getsize(warc) / 1e6 / best[name], 2), "seimai_is_faster": round(best[name] / best["seimai"], 1), "sites": score(documents, texts[name])}
        for name in sides}}
    return summary, rows


def peer(a):
    for id_, text in PEERS[a.name][0](a.warc):
        print(json.dumps({"id": id_, "text": text}, ensure_ascii=False))


def standard(a):
    if not os.path.isdir(os.path.join(a.tests, "tokenizer")):
        print("skipped: the tests of the HTML standard need a copy of html5lib-tests (not found)")
        return None, []
    command = ["cargo", "test", "--lib", "the_tests_of_the_standard", "--", "--nocapture"]
    done = subprocess.run(command, env=os.environ | {"HTML5LIB_TESTS": os.path.abspath(a.tests)}, capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    kinds = {kind: {"cases": int(cases), "right": int(right)} for kind, right, cases in rows}
    return {"standard": kinds or sys.exit(done.stdout + done.stderr)}, []


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    parts = p.add_subparsers(required=True)
    part = parts.add_parser("pages")
    part.add_argument("seimai")
    part.add_argument("gold")
    part.add_argument("--python", default=sys.executable)
    part.add_argument("--rounds", type=int, default=3)
    part.add_argument("--report")
    part.set_defaults(run=pages)
    part = parts.add_parser("standard")
    part.add_argument("tests")
    part.add_argument("--report")
    part.set_defaults(run=standard)
    part = parts.add_parser("peer")
    part.add_argument("name")
    part.add_argument("warc")
    part.set_defaults(run=peer)
    a = p.parse_args()
    if a.run is peer:
        return peer(a)
    summary, rows = a.run(a)
    print(json.dumps(summary))
    if a.report and summary:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "rows": rows}, out, indent=1)
            out.write("\n")


main()
