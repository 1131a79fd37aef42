#!/usr/bin/env python3
"""Reading WARC files beside warcio and FastWARC: CPU time of framing and decoding, on one thread.

    warc.py --read target/release/deps/read-HASH [--shared ../shared] [--megabytes 200] [--rounds 5] [--report FILE.json]

Made here, from shared/data/corpus: `wet` (conversion records of text/plain, uncompressed) and `mixed` (responses of text/plain in UTF-8, CP932 and EUC-JP, with requests,
pictures and metadata between them). --read is the program of `cargo bench --bench web_archives --no-run`. The others read every record that is text and decode it as UTF-8, or with the charset
of the header; they check nothing. Runs alternate, the best counts. Python 3.9 or later, zstd on the PATH; warcio and FastWARC from PyPI.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time


def documents(shared, wanted):
    size = 0
    while True:
        for name in ("kyoto-wiki", "law", "aozora", "rurema"):
            process = subprocess.Popen(["zstd", "-dcq", os.path.join(shared, "data", "corpus", name + ".jsonl.zst")], stdout=subprocess.PIPE)
            for line in process.stdout:
                text = json.loads(line)["text"]
                size += len(text.encode())
                yield text
                if size > wanted:
                    process.kill()
                    process.wait()
                    return
            process.wait()


def record(out, kind, media, body, address):
    out.write(f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
              f"WARC-Record-ID: <urn:uuid:{out.tell():032x}>\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n\r\n")


def make(args, work):
    paths = {name: os.path.join(work, name + ".warc") for name in ("wet", "mixed")}
    with open(paths["wet"], "wb") as wet, open(paths["mixed"], "wb") as mixed:
        for n, text in enumerate(documents(args.shared, args.megabytes * 1_000_000)):
            address = f"http://example.jp/{n}"
            record(wet, "conversion", "text/plain", text.encode(), address)
            label, codec = [("utf-8", "utf-8"), ("utf-8", "utf-8"), ("Shift_JIS", "cp932"), ("EUC-JP", "euc_jp")][n % 4]
            http = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset={label}\r\n\r\n".encode()
            record(mixed, "request", "application/http; msgtype=request", b"GET / HTTP/1.1\r\n\r\n", address)
            record(mixed, "response", "application/http; msgtype=response", http + text.encode(codec, "ignore"), address)
            picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n" + bytes(5000)
            record(mixed, "response", "application/http; msgtype=response", picture, address + ".png")
    return paths


CODECS = {"utf-8": "utf-8", "Shift_JIS": "cp932", "EUC-JP": "euc_jp"}


def warcio(path):
    from warcio.archiveiterator import ArchiveIterator
    texts = 0
    with open(path, "rb") as stream:
        for found in ArchiveIterator(stream):
            if found.rec_type not in ("conversion", "response"):
                continue
            media = (found.http_headers or found.rec_headers).get_header("Content-Type") or ""
            if media.startswith("text/"):
                texts += len(found.content_stream().read().decode(CODECS.get(media.partition("charset=")[2], "utf-8"), "replace"))
    return texts


def fastwarc(path):
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    texts = 0
    with open(path, "rb") as stream:
        for found in ArchiveIterator(stream, record_types=WarcRecordType.conversion | WarcRecordType.response):
            media = (found.http_content_type if found.http_headers else found.headers.get("Content-Type")) or ""
            charset = found.http_charset if found.http_headers else "utf-8"
            if media.startswith("text/"):
                codec = {"shift_jis": "cp932"}.get((charset or "utf-8").lower(), charset or "utf-8")
                texts += len(found.reader.read().decode(codec, "replace"))
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--read", required=True)
    parser.add_argument("--shared", default="../shared")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--report")
    args = parser.parse_args()
    if not os.path.isdir(os.path.join(args.shared, "data", "corpus")):
        sys.exit(f"skipped: needs {args.shared}/data/corpus")
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for name, path in make(args, work).items():
            size, seconds, ours = os.path.getsize(path), {}, None
            for _ in range(args.rounds):
                said = json.loads(subprocess.run([args.read, path], capture_output=True, check=True, text=True).stdout) | {"file": os.path.basename(path)}
                ours = ours if ours and ours["cpu_seconds"] < said["cpu_seconds"] else said
                seconds.setdefault("seimai", []).append(said["cpu_seconds"])
                for peer in (warcio, fastwarc):
                    before = time.process_time()
                    peer(path)
                    seconds.setdefault(peer.__name__, []).append(time.process_time() - before)
            speeds = {peer: size / 1e6 / min(runs) for peer, runs in seconds.items()}
            rows.append({"file": name, "bytes": size, "seimai": ours, "mb_per_s": speeds, "cpu_seconds": seconds})
            print(f"{name:6} {size / 1e6:6.0f} MB  " + "  ".join(f"{peer} {speed:.0f} MB/s" for peer, speed in speeds.items()))
    if args.report:
        with open(args.report, "w", encoding="utf-8") as out:
            json.dump(rows, out, indent=1)
            out.write("\n")


main()
