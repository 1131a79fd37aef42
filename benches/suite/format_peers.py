#!/usr/bin/env python3
"""Python parsers of one file, each in CPU seconds (formats.py calls this with the Python that has them):

    format_peers.py FILE

A line of JSON each: the best of three rounds, with the modules loaded before, or what is missing or failed. Only text is asked for, and what a parser gets wrong is in docs/parsers.md.
"""
import importlib.metadata
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
import xml.etree.ElementTree as tree

ROUNDS = 3
# Seconds after which a parser is given up.
PATIENCE = 90


def pages(path):
    """The wikitext of a dump, with the parser of Python's library."""
    for _, element in tree.iterparse(path):
        if element.tag.endswith("}text"):
            yield element.text or ""
            element.clear()


def mwparserfromhell(path):
    import mwparserfromhell as parser
    return lambda: sum(len(parser.parse(text).strip_code()) for text in pages(path))


def wikitextparser(path):
    import wikitextparser as parser
    return lambda: sum(len(parser.parse(text).plain_text()) for text in pages(path))


def wikiextractor(path):
    import wikiextractor.WikiExtractor  # noqa: F401
    command = [sys.executable, "-m", "wikiextractor.WikiExtractor", path, "-o", "-", "-q", "--processes", "1", "--no-templates"]
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def ebooklib(path):
    import bs4
    from ebooklib import ITEM_DOCUMENT, epub
    text = lambda item: len(bs4.BeautifulSoup(item.get_content(), "lxml").get_text())
    return lambda: sum(map(text, epub.read_epub(path).get_items_of_type(ITEM_DOCUMENT)))


def pysrt(path):
    import pysrt
    return lambda: sum(len(cue.text_without_tags) for cue in pysrt.open(path, encoding="utf-8"))


def srt(path):
    import srt
    return lambda: sum(len(cue.content) for cue in srt.parse(open(path, encoding="utf-8").read()))


def pysubs2(path):
    import pysubs2
    return lambda: sum(len(cue.plaintext) for cue in pysubs2.load(path, encoding="utf-8"))


def polib(path):
    import polib
    return lambda: sum(len(entry.msgstr) for entry in polib.pofile(path))


def babel(path):
    from babel.messages import pofile
    return lambda: sum(len(entry.string) for entry in pofile.read_po(open(path, "rb")))


def aozora(path):
    import aozora as parser
    return lambda: len(parser.Document.from_bytes(open(path, "rb").read()).to_html())


def aozorabunko_extractor(path):
    import argparse
    import pathlib
    import tempfile
    from aozorabunko_extractor import cli as parser
    config = argparse.Namespace(break_sentence=False, min_chars=0)

    def work():
        with tempfile.TemporaryDirectory() as out:
            return len(parser.run((path, pathlib.Path(out), config)))
    return work


def elaws_parser(path):
    """It knows the second envelope only."""
    import elaws_parser as parser
    wrapped = lambda: "<law_data_response><law_full_text>%s</law_full_text></law_data_response>" % open(path, encoding="utf-8").read().split("?>", 1)[1]
    return lambda: len(parser.convert_xml_to_text(wrapped()))


def element_tree(path):
    """The text of all sentences, ruby and all: what scripts do."""
    return lambda: sum(len("".join(sentence.itertext())) for sentence in tree.parse(path).iter("Sentence"))


def json_and_expressions(path):
    """Python's library: heads, directions and line ends by regular expressions."""
    head, direction, ends = re.compile(r"^○[^　]*　"), re.compile(r"（[^（）]*(?:拍手|者あり)）"), re.compile(r"\r\n　")
    text = lambda speech: len(ends.sub("\n", direction.sub("", head.sub("", speech))))
    return lambda: sum(text(record["speech"]) for record in json.load(open(path, encoding="utf-8"))["speechRecord"])


def slack_by_expressions(path):
    mention, link = re.compile(r"<@(\w+)>"), re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
    text = lambda message: len(link.sub(lambda found: found.group(2) or found.group(1), mention.sub(r"@\1", message["text"])))
    return lambda: sum(text(message) for message in json.load(open(path, encoding="utf-8")) if "subtype" not in message)




PARSERS = {
    "dump.xml": {"mwparserfromhell": mwparserfromhell, "wikitextparser": wikitextparser, "wikiextractor": wikiextractor},
    "book.epub": {"EbookLib": ebooklib},
    "cues.srt": {"pysrt": pysrt, "srt": srt, "pysubs2": pysubs2},
    "catalogue.po": {"polib": polib, "babel": babel},
    "work-cp932.txt": {"aozora": aozora, "aozorabunko-extractor": aozorabunko_extractor},
    "statute.xml": {"elaws-parser": elaws_parser, "": element_tree},
    "speeches.json": {"": json_and_expressions},
    "long-speeches.json": {"": json_and_expressions},
    "channel.json": {"": slack_by_expressions},
}


def seconds(work):
    before, start = os.times(), time.process_time()
    work()
    after = os.times()
    return time.process_time() - start + after.children_user - before.children_user + after.children_system - before.children_system


def give_up(*_):
    raise TimeoutError("more than %d s" % PATIENCE)


def main():
    path = sys.argv[1]
    signal.signal(signal.SIGALRM, give_up)
    warnings.simplefilter("ignore")
    for package, prepare in PARSERS.get(os.path.basename(path), {}).items():
        row = {"file": os.path.basename(path), "parser": package or "%s (Python %s)" % (prepare.__name__, sys.version.split()[0])}
        try:
            if package:
                row["parser"] += " " + importlib.metadata.version(package)
            work = prepare(path)
            signal.alarm(PATIENCE)
            row["cpu_seconds"] = min(seconds(work) for _ in range(ROUNDS))
        except Exception as error:
            signal.alarm(0)
            row["failed"] = "%s: %s" % (type(error).__name__, str(error)[:200])
        signal.alarm(0)
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
