#!/usr/bin/env python3
"""Collections with notations of their own (Aozora Bunko, statutes, records of the Diet, dumps of MediaWiki, books, subtitles, translations, logs of chats): decoded bytes a CPU
second on one core, two threads on one multistream dump, memory on files of gigabytes, Python parsers beside ours, and marks of notation that are left in texts.

    formats.py --read PROGRAM --seimai PROGRAM [--shared ../shared] [--megabytes 12] [--peers PYTHON] [--rounds 5] [--dump-megabytes 200] [--memory-megabytes 2048] [--only PART,…] [--report FILE]

PROGRAM of --read is the benchmark `read` (cargo build --bench read). Works are those of shared/data/dirty/raw, one behind the other between one header and one colophon until a file is as large as asked for; everything else
is made of sentences of shared/data/corpus/law in the elements, fields and marks of the real ones. PYTHON has the parsers that format_peers.py names; what is missing is said. Parts are speed, peers, marks, threads and memory; a report that is there is
gone on with, part by part. Python 3.9 or later, standard library only; needs zstd and bzip2.
"""
import argparse
import bz2
import glob
import io
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
import zipfile

RULE = "-" * 55
HEAD = "題\r\n著者\r\n\r\n" + RULE + "\r\n【テキスト中に現れる記号について】\r\n\r\n《》：ルビ\r\n" + RULE + "\r\n\r\n"
FOOT = "\r\n\r\n\r\n底本：「題」甲社\r\n入力：乙\r\n"
MARKS = ["《", "》", "｜", "［＃"]


def bodies(shared):
    """The bodies of the published works."""
    found = []
    for path in sorted(glob.glob(os.path.join(shared, "data", "dirty", "raw", "aozora_*.txt"))):
        text = open(path, encoding="cp932", errors="replace", newline="").read()
        parts = re.split(r"(?m)^-{50,}\r?$", text)
        found.append(re.split(r"(?m)^底本[：:]", parts[-1])[0])
    return found


def sentences(shared):
    law = subprocess.run(["zstd", "-dc", os.path.join(shared, "data", "corpus", "law.jsonl.zst")], stdout=subprocess.PIPE, check=True).stdout
    lines = []
    for line in law.splitlines()[:300]:
        lines += [part.strip("　 ") for part in json.loads(line)["text"].split("\n") if part.endswith("。")]
    return [line.replace("&", "＆").replace("<", "＜") for line in lines]


def cycle(parts, size):
    """Parts again and again, until they have so many characters."""
    out, length, at = [], 0, 0
    while length < size:
        out.append(parts[at % len(parts)])
        length += len(out[-1])
        at += 1
    return out


def statute(lines, size):
    articles = []
    for number, line in enumerate(cycle(lines, size)):
        paragraph = '<Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence Num="1">%s</Sentence></ParagraphSentence></Paragraph>' % line
        articles.append('<Article Num="%d"><ArticleCaption>（見本）</ArticleCaption><ArticleTitle>第一条</ArticleTitle>\n  %s</Article>\n' % (number + 1, paragraph))
    body = "".join(articles)
    return '<?xml version="1.0" encoding="UTF-8"?>\n<Law Era="Showa" Year="22" Num="1" LawType="Act" Lang="ja"><LawNum>昭和二十二年法律第一号</LawNum><LawBody><LawTitle>見本法</LawTitle><MainProvision>%s</MainProvision><SupplProvision><SupplProvisionLabel>附　則</SupplProvisionLabel><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>この法律は、公布の日から施行する。</Sentence></ParagraphSentence></Paragraph></SupplProvision></LawBody></Law>' % body


def speech(number, line, closing):
    record = {"speechID": str(number), "issueID": "1", "nameOfMeeting": "本会議", "date": "1947-05-20", "speechOrder": number + 1, "speaker": "甲野太郎", "speakerGroup": None}
    return dict(record, speech="○甲野（太）委員　%s\r\n　%s（拍手）" % (line, closing))


def speeches(lines, size):
    """Two lines a speech: most of such a file is fields."""
    records = [speech(number, line, line) for number, line in enumerate(cycle(lines, size))]
    return json.dumps({"numberOfRecords": len(records), "speechRecord": records}, ensure_ascii=False)


def long_speeches(lines, size):
    """Some twenty lines a speech, as in a debate of a committee."""
    records = []
    for number in range(max(1, size // (20 * 40))):
        said = "\r\n　".join(lines[(number * 20 + at) % len(lines)] for at in range(20))
        records.append(speech(number, said, "終わります。"))
    return json.dumps({"numberOfRecords": len(records), "speechRecord": records}, ensure_ascii=False)


SITE = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja">
  <siteinfo><sitename>見本</sitename><dbname>samplewiki</dbname><base>https://example.jp/wiki/a</base><namespaces><namespace key="0" case="first-letter" /><namespace key="6" case="first-letter">ファイル</namespace><namespace key="14" case="first-letter">カテゴリ</namespace></namespaces></siteinfo>
"""


def wikitext(number, lines, step=31):
    """An article: an opening, sections with links, references and templates, a table, categories."""
    at = lambda n: lines[(number * step + n) % len(lines)]
    link = lambda text: "[[%s|%s]]%s" % (text[:6], text[:4], text[4:]) if len(text) > 8 else text
    out = ["{{Infobox 見本\n| 名称 = 見本%d\n| 画像 = [[ファイル:Sample.jpg|thumb|%s]]\n}}" % (number, at(0)[:20])]
    out.append("'''見本%d'''（みほん、{{lang|en|sample}}）は、%s<ref name=\"a\">{{cite web|url=https://example.jp/%d|title=%s}}</ref>" % (number, link(at(1)), number, at(2)[:12]))
    for section in range(4):
        out.append("\n== 節%d ==\n[[ファイル:S%d.jpg|thumb|[[図|%s]]]]" % (section, section, at(section)[:15]))
        for paragraph in range(5):
            words = [at(section * 20 + paragraph * 3 + n + 3) for n in range(3)]
            out.append("%s{{仮リンク|%s|en|Sample}}により、%s<ref>%s</ref>%s<ref name=\"a\" />\n" % (link(words[0]), words[1][:5], words[1], at(paragraph)[:25], link(words[2])))
        out.append("* %s\n* ''%s''<!-- 注 -->" % (at(section + 5), link(at(section + 6))))
    rows = "".join("|-\n| %s || align=\"right\" | %d\n" % (at(n + 9)[:12], n) for n in range(8))
    out.append("\n{| class=\"wikitable\"\n! 名 !! 数\n%s|}\n== 脚注 ==\n{{Reflist}}\n{{DEFAULTSORT:みほん}}\n[[Category:見本|%d]]\n[[Category:%s]]" % (rows, number, at(3)[:4]))
    return "\n".join(out)


def page(number, lines, step=31):
    text = wikitext(number, lines, step).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    head = "  <page>\n    <title>見本%d</title>\n    <ns>0</ns>\n    <id>%d</id>\n    <revision>\n      <id>%d</id>\n      <timestamp>2024-01-02T03:04:05Z</timestamp>\n      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
    return head % (number, number + 1, number + 1) + "      <text bytes=\"%d\" xml:space=\"preserve\">%s</text>\n    </revision>\n  </page>\n" % (len(text), text)


def dump(lines, size):
    out, length, number = [SITE], 0, 0
    while length < size:
        out.append(page(number, lines))
        length += len(out[-1])
        number += 1
    return "".join(out) + "</mediawiki>\n"


def multistream(lines, path, megabytes):
    """A dump as it is given away: the site, then a stream a hundred pages, which have no sentence in common."""
    with open(path, "wb") as out:
        out.write(bz2.compress(SITE.encode()))
        made, number = 0, 0
        while made < megabytes * 1000 * 1000:
            pages = "".join(page(number + n, lines, 97) for n in range(100)).encode()
            out.write(bz2.compress(pages))
            made += len(pages)
            number += 100
        out.write(bz2.compress(b"</mediawiki>\n"))
    return made


def book(lines, size):
    """An EPUB of chapters with ruby; as large as asked for before it is packed."""
    out, made, names = io.BytesIO(), 0, []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        package.writestr("META-INF/container.xml", '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>')
        while made < size:
            names.append("c%d.xhtml" % len(names))
            words = ["<p><ruby>%s<rt>よみ</rt></ruby>%s</p>" % (line[:2], line[2:]) for line in (lines[(len(names) * 200 + n) % len(lines)] for n in range(200))]
            content = '<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>章</title></head><body>%s</body></html>' % "\n".join(words)
            made += len(content)
            package.writestr("OPS/" + names[-1], content)
        manifest = "".join('<item id="%s" href="%s" media-type="application/xhtml+xml"/>' % (name[:-6], name) for name in names)
        spine = "".join('<itemref idref="%s"/>' % name[:-6] for name in names)
        package.writestr("OPS/book.opf", '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">1</dc:identifier><dc:title>見本</dc:title><dc:language>ja</dc:language></metadata><manifest>%s</manifest><spine>%s</spine></package>' % (manifest, spine))
    return out.getvalue()


def cues(lines, size):
    time_of = lambda n: "%02d:%02d:%02d,000" % (n // 3600 % 100, n // 60 % 60, n % 60)
    return "".join("%d\n%s --> %s\n（太郎）%s\n%s\n\n" % (n + 1, time_of(n), time_of(n + 1), line[:15], line[15:30] or "はい") for n, line in enumerate(cycle(lines, size)))


def catalogue(lines, size):
    quoted = lambda text: text.replace("\\", "\\\\").replace('"', '\\"')
    head = 'msgid ""\nmsgstr ""\n"Language: ja\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    return head + "".join('#: a.c:%d\nmsgid "Sample %d"\nmsgstr "%s"\n\n' % (n, n, quoted(line)) for n, line in enumerate(cycle(lines, size)))


def talk(lines, size):
    """The history of a talk of LINE: fifty messages a day."""
    out = ["[LINE] 花子とのトーク履歴\r\n保存日時：2024/01/02 10:00\r\n"]
    for n, line in enumerate(cycle(lines, size)):
        if n % 50 == 0:
            day = n // 50
            out.append("\r\n%d/%02d/%02d(火)\r\n" % (2000 + day // 336 % 90, day // 28 % 12 + 1, day % 28 + 1))
        out.append("%02d:%02d\t%s\t%s\r\n" % (n % 50 // 3, n % 60, ["太郎", "花子"][n % 2], "[スタンプ]" if n % 10 == 9 else line))
    return "".join(out)


def channel(lines, size):
    """A channel of an export of Slack."""
    message = lambda n, line: {"client_msg_id": "00000000-0000-4000-8000-%012d" % n, "type": "message", "user": "U%07d" % (n % 7), "text": "<@U%07d> %s <https://example.jp/%d|資料>" % (n % 5, line, n), "ts": "%d.000100" % (1704067200 + n * 600), "team": "T0000001",
                               "user_profile": {"display_name": "会員%d" % (n % 7), "real_name": "甲野"}, "blocks": [{"type": "rich_text", "block_id": "b", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": line}]}]}]}
    return json.dumps([message(n, line) for n, line in enumerate(cycle(lines, size))], ensure_ascii=False, indent=4)


def made(shared, size):
    """A file of each format; sizes are about what is asked for."""
    works, lines = bodies(shared), sentences(shared)
    return {
        "work-cp932.txt": (HEAD + "".join(cycle(works, size // 2)) + FOOT).encode("cp932", "replace"),
        "work-utf8.txt": (HEAD + "".join(cycle(works, size // 3)) + FOOT).encode(),
        "statute.xml": statute(lines, size // 5).encode(),
        "speeches.json": speeches(lines, size // 7).encode(),
        "long-speeches.json": long_speeches(lines, size // 3).encode(),
        "dump.xml": dump(lines, size // 3).encode(),
        "book.epub": book(lines, size // 3),
        "cues.srt": cues(lines, size // 3).encode(),
        "catalogue.po": catalogue(lines, size // 4).encode(),
        "talk.txt": talk(lines, size // 3).encode(),
        "channel.json": channel(lines, size // 10).encode(),
    }


def speed(options, paths):
    """The benchmark on all files, again and again; the middle of what each round found."""
    rounds = {}
    for _ in range(options.rounds):
        said = subprocess.run([options.read] + paths, stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout
        for line in said.splitlines():
            row = json.loads(line)
            rounds.setdefault((row["file"], row["step"]), []).append(row)
    rows = []
    for (file, step), of in rounds.items():
        seconds = [row["cpu_seconds"] for row in of]
        middle = statistics.median(seconds)
        rows.append({"file": file, "step": step, "bytes": of[0]["bytes"], "cpu_seconds": middle, "all": seconds, "mb_per_cpu_second": round(of[0]["bytes"] / middle / 1e6, 1)})
    return rows


def peers(options, paths):
    """Python parsers on the same files, each beside ours in the same minute: how many times as much CPU time they take."""
    here, rows = os.path.dirname(os.path.abspath(__file__)), []
    for path in paths:
        said = subprocess.run([options.peers, os.path.join(here, "format_peers.py"), path], stdout=subprocess.PIPE, universal_newlines=True).stdout
        for line in said.splitlines():
            row = json.loads(line)
            if "cpu_seconds" in row:
                ours = [row["cpu_seconds"] for row in speed(options, [path]) if row["step"] == "read"][0]
                row.update(ours=ours, times=round(row["cpu_seconds"] / ours, 1))
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    return rows


def marks(options):
    plain = sorted(glob.glob(os.path.join(options.shared, "data", "dirty", "raw", "aozora_*.txt")))
    out = subprocess.run([options.seimai, "normalize", "--form", "none", "--quiet"] + plain, stdout=subprocess.PIPE, check=True).stdout
    texts = [json.loads(line)["text"] for line in out.splitlines()]
    return {"works": len(texts), "characters": sum(map(len, texts)), "left": {mark: sum(text.count(mark) for text in texts) for mark in MARKS}}


PLAN = """[input]
paths = [%s]
[quality]
preset = "none"
[dedup]
exact = false
near = false
lines = false
[tokenizer]
vocab_size = 1000
"""


def threads(options, directory):
    """One multistream dump with one thread and with two, alternating: the passes that read, as run.json tells them."""
    path, plan, out = (os.path.join(directory, name) for name in ("dump.xml.bz2", "plan.toml", "out"))
    size = multistream(sentences(options.shared), path, options.dump_megabytes)
    open(plan, "w").write(PLAN % json.dumps(path))
    rows = []
    for round_ in range(options.rounds):
        for number in (1, 2) if round_ % 2 == 0 else (2, 1):
            shutil.rmtree(out, ignore_errors=True)
            command = [options.seimai, "run", plan, "--out", out, "--threads", str(number), "--progress", "none", "--quiet"]
            subprocess.run(command, check=True)
            told = json.load(open(os.path.join(out, "run.json")))["pass_seconds"]
            rows.append({"threads": number, "frame": told["frame"], "annotate": told["annotate"], "load1": os.getloadavg()[0]})
            print(json.dumps(rows[-1]), flush=True)
    of = lambda number: statistics.median(row["frame"] + row["annotate"] for row in rows if row["threads"] == number)
    os.remove(path)
    return {"bytes": size, "rows": rows, "one_over_two": round(of(1) / of(2), 2)}


def write_many(directory, content, extension, megabytes):
    """Files of such a content until they are so large together, and the size of them; hard links, so that a disk need not be that large."""
    os.mkdir(directory)
    first = os.path.join(directory, "0." + extension)
    open(first, "wb").write(content)
    count = max(1, megabytes * 1000 * 1000 // len(content))
    for number in range(1, count):
        os.link(first, os.path.join(directory, "%d.%s" % (number, extension)))
    return count * len(content)


def write_long(path, content, megabytes):
    """One file of so many megabytes: (what stands before, what is repeated, what stands behind)."""
    before, again, behind = content
    with open(path, "wb") as out:
        out.write(before)
        while out.tell() < megabytes * 1000 * 1000:
            out.write(again)
        out.write(behind)
        return out.tell()


def peak(command):
    """Peak of memory that is no file, of a program that is run to its end."""
    child, found = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), 0
    while child.poll() is None:
        try:
            with open("/proc/%d/status" % child.pid) as status:
                found = max([found] + [int(line.split()[1]) for line in status if line.startswith("RssAnon")])
        except OSError:
            pass
        time.sleep(0.01)
    if child.returncode:
        raise SystemExit("%s: exit code %d" % (command, child.returncode))
    return round(found / 1024)


def memory(options, directory):
    """A twentieth and the whole of what is asked for, of each format: many files where one is a whole (works, statutes, books, subtitles), one file where it is a list."""
    works, lines = bodies(options.shared), sentences(options.shared)
    many = {
        "works": ((HEAD + "".join(cycle(works, 100000)) + FOOT).encode("cp932", "replace"), "txt"),
        "statutes": (statute(lines, 300000).encode(), "xml"),
        "books": (book(lines, 500000), "epub"),
        "subtitles": (cues(lines, 100000).encode(), "srt"),
        "translations": (catalogue(lines, 100000).encode(), "po"),
    }
    inside = lambda text, begin, end: (text[: text.index(begin) + len(begin)], text[text.index(begin) + len(begin) : text.rindex(end)], text[text.rindex(end) :])
    listed = lambda text, begin: (lambda parts: (parts[0].encode() + parts[1].encode(), b"," + parts[1].encode(), parts[2].encode()))(inside(text, begin, "]"))
    pages = inside(dump(lines, 2000000), SITE, "</mediawiki>")
    says = talk(lines, 1000000)
    long = {
        "speeches.json": listed(speeches(lines, 500000), '"speechRecord": ['),
        "dump.xml": tuple(part.encode() for part in pages),
        "talk.txt": (says.encode(), says[says.index("\r\n\r\n") :].encode(), b""),
        "channel.json": listed(channel(lines, 500000), "["),
    }
    rows = []
    for megabytes in (options.memory_megabytes // 20, options.memory_megabytes):
        for name in list(many) + list(long):
            path = os.path.join(directory, "memory" if name in many else name)
            size = write_many(path, *many[name], megabytes) if name in many else write_long(path, long[name], megabytes)
            rows.append({"of": name, "bytes": size, "peak_mib": peak([options.seimai, "normalize", "--form", "none", "--quiet", "--threads", "1", path])})
            print(json.dumps(rows[-1]), flush=True)
            shutil.rmtree(path) if name in many else os.remove(path)
    return rows


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--read", required=True)
    arguments.add_argument("--seimai", required=True)
    arguments.add_argument("--shared", default="../shared")
    arguments.add_argument("--megabytes", type=int, default=12)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--peers")
    arguments.add_argument("--dump-megabytes", type=int, default=200)
    arguments.add_argument("--memory-megabytes", type=int, default=2048)
    arguments.add_argument("--only", default="speed,peers,marks,threads,memory")
    arguments.add_argument("--report")
    options = arguments.parse_args()
    report = json.load(open(options.report)) if options.report and os.path.exists(options.report) else {}
    report.update(what="benches/suite/formats.py; decoded bytes a CPU second on one core", load1=os.getloadavg()[0])
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for name, content in made(options.shared, options.megabytes * 1000 * 1000).items():
            paths.append(os.path.join(directory, name))
            open(paths[-1], "wb").write(content)
        parts = {
            "speed": lambda: speed(options, paths),
            "peers": lambda: peers(options, paths) if options.peers else None,
            "marks": lambda: marks(options),
            "threads": lambda: threads(options, directory),
            "memory": lambda: memory(options, directory),
        }
        for part in options.only.split(","):
            found = parts[part]()
            if found is None:
                continue
            report[part] = found
            if options.report:
                open(options.report, "w", encoding="utf-8").write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
