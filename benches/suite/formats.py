#!/usr/bin/env python3
"""Aozora Bunko, statutes and records of the Diet: decoded bytes a CPU second on one core, memory, and marks of notation that are left in texts.

    formats.py --read PROGRAM --seimai PROGRAM [--shared ../shared] [--megabytes 12] [--report FILE]

PROGRAM of --read is the benchmark `read` (cargo build --bench read). Works are those of shared/data/dirty/raw, one behind the other between one header and one colophon until a file is as large as asked for; statutes
and speeches are made of sentences of shared/data/corpus/law in the elements and fields of the real ones. Python 3.9 or later, standard library only; needs zstd.
"""
import argparse
import glob
import json
import os
import re
import resource
import subprocess
import tempfile

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
    return '<?xml version="1.0" encoding="UTF-8"?>\n<Law Era="Showa" Year="22" Num="1" LawType="Act" Lang="ja"><LawNum>昭和二十二年法律第一号</LawNum><LawBody><LawTitle>見本法</LawTitle><MainProvision>%s</MainProvision></LawBody></Law>' % body


def speeches(lines, size):
    records = []
    for number, line in enumerate(cycle(lines, size)):
        record = {"speechID": str(number), "issueID": "1", "nameOfMeeting": "本会議", "date": "1947-05-20", "speechOrder": number + 1, "speaker": "甲野太郎", "speakerGroup": None}
        records.append(dict(record, speech="○甲野（太）委員　%s\r\n　%s（拍手）" % (line, line)))
    return json.dumps({"numberOfRecords": len(records), "speechRecord": records}, ensure_ascii=False)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--read", required=True)
    arguments.add_argument("--seimai", required=True)
    arguments.add_argument("--shared", default="../shared")
    arguments.add_argument("--megabytes", type=int, default=12)
    arguments.add_argument("--report")
    options = arguments.parse_args()
    works, lines = bodies(options.shared), sentences(options.shared)
    size = options.megabytes * 1000 * 1000
    report = {"speed": [], "marks": {}, "memory": []}
    with tempfile.TemporaryDirectory() as directory:
        path = lambda name: os.path.join(directory, name)
        work = HEAD + "".join(cycle(works, size // 2)) + FOOT
        files = {
            "work-cp932.txt": work.encode("cp932", "replace"),
            "work-utf8.txt": (HEAD + "".join(cycle(works, size // 3)) + FOOT).encode(),
            "statute.xml": statute(lines, size // 4).encode(),
            "speeches.json": speeches(lines, size // 7).encode(),
        }
        for name, content in files.items():
            open(path(name), "wb").write(content)
        for line in subprocess.run([options.read] + [path(name) for name in files], stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout.splitlines():
            report["speed"].append(json.loads(line))
        plain = sorted(glob.glob(os.path.join(options.shared, "data", "dirty", "raw", "aozora_*.txt")))
        out = subprocess.run([options.seimai, "normalize", "--form", "none", "--quiet"] + plain, stdout=subprocess.PIPE, check=True).stdout
        texts = [json.loads(line)["text"] for line in out.splitlines()]
        report["marks"] = {"works": len(texts), "characters": sum(map(len, texts)), "left": {mark: sum(text.count(mark) for text in texts) for mark in MARKS}}
        for copies in (20, 200):
            many = path("many-%d" % copies)
            os.mkdir(many)
            for number in range(copies):
                open(os.path.join(many, "%d.txt" % number), "wb").write((HEAD + works[number % len(works)] + FOOT).encode("cp932", "replace") * 1)
                open(os.path.join(many, "%d.xml" % number), "wb").write(statute(lines, 200000).encode())
            command = [options.seimai, "normalize", "--form", "none", "--quiet", "--threads", "1", many]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
                _, _, used = os.wait4(child.pid, 0)
                child.returncode = 0
            report["memory"].append({"files": 2 * copies, "peak_kib": used.ru_maxrss})
    print(json.dumps(report, ensure_ascii=False, indent=1))
    if options.report:
        open(options.report, "w", encoding="utf-8").write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
