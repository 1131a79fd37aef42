#!/usr/bin/env python3
"""Pieces of text in every charset, with labels that are right, absent, misspelt or lie: how many are read right, refused, or wrong in silence. And what decoding costs.

    charset.py [--seimai target/release/seimai] [--before OLD] [--shared ../shared] [--pieces 100] [--report FILE.json]

Pieces of 5 to 2,000 characters are cut from shared/data/corpus (Japanese) and from the sentences below (others), encoded by Python's codecs and put into one
WARC file as text/plain; `seimai normalize --form none` reads it, and the same pieces as JSON Lines say what is right. "With a mark" means that something is U+FFFD,
which is counted and so not silent. Right for what is not Japanese: refused (Latin alphabets may also be read). --before compares the CPU time of decoding with another program.
Python 3.9 or later, zstd on the PATH.
"""
import argparse
import collections
import json
import os
import random
import resource
import subprocess
import sys
import tempfile

LENGTHS = [5, 8, 12, 20, 50, 200, 1000, 2000]
LABELS = ["", "shift_jis", "euc-jp", "utf-8", "x-sjis", "iso-8859-1", "gb2312", "euc-kr", "nonsense", "utf-8-bom", "windows-1252", "ISO2022_JP", "utf8"]
JAPANESE = ["cp932", "euc_jp", "iso2022_jp", "iso2022_jp_1", "utf-8", "utf-8-sig", "utf-16", "utf-32", "shift_jis_2004", "euc_jis_2004"]
# The two forms of 2004 share most codes with CP932 and EUC-JP, and differ in some: they are declared here.
DECLARED = {"shift_jis_2004": ["shift_jis-2004", "Shift_JISX0213"], "euc_jis_2004": ["euc-jis-2004", "EUC-JISX0213"]}
OTHERS = {
    "euc_kr cp949": "오늘 아침에는 안개가 짙게 끼어 강 건너편 마을이 보이지 않았습니다. 시장에서는 상인들이 채소와 생선을 늘어놓고 손님을 기다립니다. 지난주에 빌린 책을 도서관에 "
                    "돌려주고 새로운 소설을 세 권 골랐습니다. 비가 그친 뒤에 아이들이 운동장에서 뛰어놀고 있습니다. 우리 회사는 내년 봄에 새 공장을 지을 계획입니다. 기차가 늦어져서 "
                    "약속 시간에 맞추지 못했지만 친구는 웃으며 괜찮다고 했습니다. 할머니께서는 마당에 심은 고추를 말려서 이웃에게 나누어 주십니다.",
    "gbk gb18030": "今天早晨雾很大，河对岸的村庄完全看不见。市场里的商人摆出蔬菜和鲜鱼，等待着客人。上星期借的书已经还给图书馆，又选了三本新的小说。雨停了以后，孩子们在操场上跑来跑去。"
                   "我们公司计划明年春天建一座新的工厂。火车晚点，没有赶上约定的时间，但是朋友笑着说没有关系。奶奶把院子里种的辣椒晒干，分给邻居们。这个问题需要仔细研究才能解决。",
    "big5": "今天早晨霧很大，河對岸的村莊完全看不見。市場裡的商人擺出蔬菜和鮮魚，等待著客人。上星期借的書已經還給圖書館，又選了三本新的小說。雨停了以後，孩子們在操場上跑來跑去。"
            "我們公司計劃明年春天建一座新的工廠。火車晚點，沒有趕上約定的時間，但是朋友笑著說沒有關係。奶奶把院子裡種的辣椒曬乾，分給鄰居們。這個問題需要仔細研究才能解決。",
    "cp1251 koi8-r iso8859-5": "Сегодня утром стоял густой туман, и деревни на другом берегу не было видно. На рынке торговцы раскладывают овощи и рыбу и ждут покупателей. "
                               "Книги, взятые на прошлой неделе, мы вернули в библиотеку и выбрали три новых романа. После дождя дети бегают по двору. Поезд опоздал, но друг улыбнулся.",
    "cp1252 iso8859-15": "Ce matin, un épais brouillard cachait le village de l’autre côté de la rivière. Au marché, les marchands étalent légumes et poissons. "
                         "Les livres empruntés la semaine dernière ont été rendus à la bibliothèque. Après la pluie, les élèves jouent dans la cour ; le train était en retard, ça arrive.",
}


def japanese(shared):
    texts = []
    for name in ("aozora", "law", "kyoto-wiki", "realpersonachat", "msdocs-visualstudio", "rurema"):
        path = os.path.join(shared, "data", "corpus", name + ".jsonl.zst")
        process = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE)
        size, parts = 0, []
        for line in process.stdout:
            parts.append(json.loads(line)["text"])
            size += len(parts[-1])
            if size > 1_500_000:
                break
        process.stdout.close()
        process.terminate()
        process.wait()
        texts.append("\n".join(parts))
    return texts


def piece(rng, texts, length, codec):
    for _ in range(100):
        text = rng.choice(texts)
        text = (text * (1 + length // len(text)) if len(text) < 2 * length else text)
        at = rng.randrange(max(1, len(text) - length))
        cut = "".join(c for c in text[at:at + length] if c >= " " or c == "\n").strip()
        # What Python maps otherwise than the tables of the web.
        cut = "".join(c for c in cut if c not in "\\~‾¥−〜‖—∥～－¢£¬")
        try:
            coded = cut.encode(codec)
        except UnicodeEncodeError:
            continue
        if cut and not cut.isascii():
            return cut, coded
    return None


def cases(rng, shared, pieces):
    sources = [(codec, japanese(shared) if n == 0 else None, "japanese") for n, codec in enumerate(JAPANESE)]
    texts = sources[0][1]
    sources = [(codec, texts, kind) for codec, _, kind in sources]
    sources += [(codec, [text], "latin" if "1252" in codecs else "foreign") for codecs, text in OTHERS.items() for codec in codecs.split()]
    for codec, texts, kind in sources:
        labels = DECLARED.get(codec, LABELS) if kind == "japanese" else ["", "utf-8", "nonsense", "iso-8859-1", codec.replace("_", "-")]
        for length in LENGTHS:
            for _ in range(pieces):
                found = piece(rng, texts, length, codec)
                if found:
                    yield codec, length, kind, rng.choice(labels), *found


def records(program, path, work):
    """The records that the program reads, by id."""
    with open(os.path.join(work, "out"), "wb") as out:
        subprocess.run([program, "-q", "normalize", "--form", "none", path], stdout=out, stderr=subprocess.DEVNULL, check=False)
    with open(os.path.join(work, "out"), encoding="utf-8") as lines:
        return {record["id"]: record["text"] for record in map(json.loads, lines)}


def torture(args, work):
    rng = random.Random(27)
    tables, kinds, wrong = collections.defaultdict(collections.Counter), {}, []
    all_cases = list(cases(rng, args.shared, args.pieces))
    warc, truth = os.path.join(work, "cases.warc"), os.path.join(work, "truth.jsonl")
    with open(warc, "wb") as out, open(truth, "w", encoding="utf-8") as said:
        for n, (_, _, _, label, text, coded) in enumerate(all_cases):
            charset = f"; charset={label}" if label else ""
            http = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain{charset}\r\n\r\n".encode() + coded
            out.write(f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <{n}>\r\nContent-Type: application/http\r\n"
                      f"Content-Length: {len(http)}\r\n\r\n".encode() + http + b"\r\n\r\n")
            said.write(json.dumps({"id": str(n), "text": text}) + "\n")
    read, right = records(args.seimai, warc, work), records(args.seimai, truth, work)
    for n, (codec, length, kind, label, text, _) in enumerate(all_cases):
        found, kinds[codec] = read.get(str(n)), kind
        if found is None:
            verdict = "refused"
        elif kind != "foreign" and found == right[str(n)]:
            verdict = "right"
        elif "\ufffd" in found:
            verdict = "marked"
        else:
            verdict = "wrong"
            wrong.append({"charset": codec, "length": length, "label": label, "text": text[:30], "read": found[:30]})
        tables[codec, length][verdict] += 1
    rows = []
    for codec in dict.fromkeys(codec for codec, _ in tables):
        cells = {length: [tables[codec, length][verdict] for verdict in ("right", "refused", "marked", "wrong")] for length in LENGTHS}
        rows.append({"charset": codec, "kind": kinds[codec], "right/refused/marked/wrong": cells})
        print(f"{codec:15} " + "  ".join(f"{length}: {'/'.join(map(str, cell))}" for length, cell in cells.items()))
    print(f"wrong in silence: {len(wrong)} of {len(all_cases)}")
    return {"pieces": len(all_cases), "wrong_in_silence": len(wrong), "rows": rows, "wrong": wrong[:50]}


def cpu(program, path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "-q", "normalize", "--form", "none", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime


def speed(args, work):
    rows = []
    text = "\n".join(japanese(args.shared))[:4_000_000]
    for codec in ("utf-8", "cp932", "euc_jp", "iso2022_jp"):
        path = os.path.join(work, codec + ".txt")
        coded = text.encode(codec, "ignore")
        with open(path, "wb") as out:
            out.write(coded)
        programs = {"now": args.seimai, **({"before": args.before} if args.before else {})}
        seconds = {name: [] for name in programs}
        for _ in range(7):
            for name, program in programs.items():
                seconds[name].append(cpu(program, path))
        best = {name: min(runs) for name, runs in seconds.items()}
        rows.append({"charset": codec, "bytes": len(coded), "cpu_seconds": best, "runs": seconds})
        print(f"{codec:12} {len(coded) / 1e6:6.1f} MB  " + "  ".join(f"{name} {value:.3f} s" for name, value in best.items()))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seimai", default="target/release/seimai")
    parser.add_argument("--before")
    parser.add_argument("--shared", default="../shared")
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--report")
    args = parser.parse_args()
    if not os.path.isdir(os.path.join(args.shared, "data", "corpus")):
        sys.exit(f"skipped: needs {args.shared}/data/corpus")
    with tempfile.TemporaryDirectory() as work:
        report = {"torture": torture(args, work), "speed": speed(args, work)}
    if args.report:
        with open(args.report, "w", encoding="utf-8") as out:
            json.dump(report, out, ensure_ascii=False, indent=1)
            out.write("\n")


main()
