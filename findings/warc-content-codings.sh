#!/usr/bin/env bash
# What readers of WARC files make of a response whose body is in a content coding: gzip, br, zstd, x-gzip, "gzip, br".
#
# Guess, written down before the first run: warcio and FastWARC (auto_decode="all") undo gzip and br; both hand out zstd and
# "gzip, br" still encoded, without an error.
# Seen: warcio 1.8.1 undoes gzip alone. With the package brotli it raises AttributeError on every br body (it sets an attribute on a type
# that takes none), and bodies in zstd, x-gzip or two codings are handed out still encoded, without an error: a text extractor behind it
# gets bytes that are no page. FastWARC 2.0.1 undoes gzip, br, zstd and both in a row; a response in x-gzip, which RFC 9110 makes a synonym of
# gzip, raises OSError while iterating and calls it a transfer encoding: without care it ends the whole file.
# The guess was right for warcio's zstd and "gzip, br", wrong for its br, and wrong for FastWARC.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check warcio==1.8.1 FastWARC==2.0.1 brotli==1.2.1 zstandard==0.25.0
"$scratch/venv/bin/python" - <<'PY'
import gzip
import io
from importlib.metadata import version

import brotli
import fastwarc.warc as fastwarc
import zstandard
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

PAGE = "<p>町の広場には朝から人が集まります。</p>".encode() * 20
BODIES = {
    "gzip": gzip.compress(PAGE),
    "br": brotli.compress(PAGE),
    "zstd": zstandard.ZstdCompressor().compress(PAGE),
    "gzip, br": brotli.compress(gzip.compress(PAGE)),
    "x-gzip": gzip.compress(PAGE),
}
EXPECTED = {
    "warcio": {"gzip": "the page", "br": "AttributeError", "zstd": "still encoded", "gzip, br": "still encoded", "x-gzip": "still encoded"},
    "FastWARC": {"gzip": "the page", "br": "the page", "zstd": "the page", "gzip, br": "the page", "x-gzip": "OSError"},
}


def archive(name):
    """A WARC file of one response."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False)
    fields = [("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", name), ("Content-Length", str(len(BODIES[name])))]
    header = StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1")
    writer.write_record(writer.create_warc_record("https://example.org/", "response", payload=io.BytesIO(BODIES[name]), http_headers=header))
    return io.BytesIO(out.getvalue())


def by_warcio(name):
    return next(iter(ArchiveIterator(archive(name)))).content_stream().read()


def by_fastwarc(name):
    return next(iter(fastwarc.ArchiveIterator(archive(name), parse_http=True, auto_decode="all"))).reader.read()


changed = False
for reader, read in [("warcio", by_warcio), ("FastWARC", by_fastwarc)]:
    print(reader, version(reader))
    for name in BODIES:
        try:
            body = read(name)
            seen = "the page" if body == PAGE else "still encoded" if body == BODIES[name] else "something else"
        except Exception as error:
            seen = type(error).__name__
        print(f"  {name:<9} {seen}")
        changed |= seen != EXPECTED[reader][name]
raise SystemExit("the behaviour has changed" if changed else 0)
PY
