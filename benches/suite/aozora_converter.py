#!/usr/bin/env python3
"""Works of Aozora Bunko as `seimai` reads them beside what the converter of the public web edition makes of them: characters that differ, beside readings and pictures.

    aozora_converter.py --converter CHECKOUT --seimai PROGRAM [--ruby ruby] [--shared ../shared] [--pages DIRECTORY] [--show N] [--report FILE] [FILE…]

CHECKOUT is a checkout of github.com/aozorahack/aozora2html (CC0, Ruby; it needs no gem for texts). FILEs are works in CP932; without any, those of shared/data/dirty/raw. Each line of OWN, or block of lines, is read as a work of its own besides. Pages are kept in DIRECTORY
and not made again.

The converter is told to write characters of JIS X 0213 and of Unicode instead of pictures, so that its tables are compared too. Its page is taken apart here, by Python's own parser of HTML: text of `main_text` without readings (rt, rp), marks of Chinese
sentences (sub, sup), notes (span.notes) and pictures; a described character that it leaves as a note is 〓. Repeat marks ／＼ are 〳〵 on both sides, because the converter leaves them as they are written; how many there are is told. Blank lines and blanks around lines are no characters here;
line ends between lines that are not blank are.
"""
import argparse
import difflib
import glob
import hashlib
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile

# `seimai normalize` does this to signs in Japanese, whatever the form; it is no reading.
NORMAL = str.maketrans("～－∥，．", "〜−‖、。")
RULE = "-" * 55
HEAD = "題\r\n著者\r\n\r\n" + RULE + "\r\n【テキスト中に現れる記号について】\r\n\r\n《》：ルビ\r\n（例）猫《ねこ》\r\n" + RULE + "\r\n\r\n"
FOOT = "\r\n\r\n\r\n底本：「題」甲社\r\n　　　2000（平成12）年1月1日初版\r\n入力：乙\r\n校正：丙\r\n2001年2月3日公開\r\n青空文庫作成ファイル：\r\nこのファイルは、青空文庫で作られました。\r\n"

# Lines of families of notes, each for its own sake; words are ours.
OWN = """\
　猫《ねこ》が鳴く。髪飾り《ティアラ》。硫黄ヶ島《いおうがしま》と六ヶ《むずか》敷《し》い。六ケ《ケ》。
これは｜今日の話《きょうのはなし》だ。比較的｜大勢《おおぜい》で、｜時 々《ときどき》は。
※［＃「足へん＋宛」、第3水準1-92-36］《もが》く、二※［＃二の字点、1-2-22］《ふたふた》、※［＃「さんずい＋（壥－土へん－厂）」、第3水準1-87-25］。
印は※［＃始め二重山括弧、1-1-52］甲※［＃終わり二重山括弧、1-1-53］だ。※［＃始め角括弧、1-1-46］乙※［＃終わり角括弧、1-1-47］。
※［＃半濁点付き平仮名か、1-4-87］と※［＃半濁点付き片仮名セ、1-5-92］と※［＃小書き片仮名ク、1-6-78］。
※［＃「火＋發」、U+243CB、12-3］と※［＃「咼の左右対称」、34-5］と※注と※。
〔s'e'prennent〕〔日本語〕〔E'cole normale supe'rieure〕〔fac,ade, man~ana, Fu:r, stro^m〕〔ae&on, oe&uvre, Stras&e〕〔!@Hola!〕。
楽しい／＼、さま／″＼、いろ／＼の《いろ／＼》。
学而［＃レ］時習［＃二］之［＃一］、不［＃二］亦説［＃一レ］乎［＃上］。曰［＃（ク）］、子［＃（ノ）］曰。
「甲」の［＃「甲」に傍点］上に乙［＃「乙」に丸傍点］と丙［＃「丙」に白ゴマ傍点］、丁［＃「丁」に傍線］戊［＃「戊」に二重傍線］己［＃「己」の左に傍線］。
［＃傍点］ここは全部［＃傍点終わり］強い。［＃二重傍線］線も［＃二重傍線終わり］ある。［＃左に傍点］左［＃左に傍点終わり］。
［＃３字下げ］一　はじめ［＃「一　はじめ」は大見出し］
［＃５字下げ］［＃中見出し］二　つぎ［＃中見出し終わり］
三［＃「三」は同行小見出し］　ここから本文。
四［＃「四」は窓中見出し］窓の後の文。
［＃ここから２字下げ］
下げた行《ぎょう》。
［＃ここで字下げ終わり］
［＃ここから１字下げ、折り返して３字下げ］
折り返す行。
［＃ここで字下げ終わり］
［＃地付き］甲野太郎
［＃地から２字上げ］（つづく）
文の途中に［＃地付き］右寄せ
［＃ここから地付き］
寄せた行
［＃ここで地付き終わり］
［＃改ページ］
次の頁。［＃改丁］
平成29［＃「29」は縦中横］年と［＃縦中横］10［＃縦中横終わり］月。H２O［＃「２」は下付き小文字］、x２［＃「２」は上付き小文字］。
［＃割り注］割られた注［＃割り注終わり］の後。（［＃割り注］括弧の中［＃割り注終わり］）の後。
［＃ここから割り注］二行の注［＃ここで割り注終わり］。
［＃猫の図（fig1_01.png、横320×縦240）入る］
図［＃「図」はキャプション］と挿絵。
［＃ここから罫囲み］
囲まれた行。
［＃ここで罫囲み終わり］
箱［＃「箱」は罫囲み］の中。［＃ここから横組み］
abc
［＃ここで横組み終わり］
［＃横組み］x=1［＃横組み終わり］と y［＃「y」は横組み］。
太［＃「太」は太字］い字と斜［＃「斜」は斜体］。［＃太字］強［＃太字終わり］。［＃斜体］傾［＃斜体終わり］。
大きい［＃「大きい」は２段階大きな文字］字。［＃１段階小さな文字］小さい［＃１段階小さな文字終わり］字。
釘［＃「釘」は底本では「鈎」］、甲［＃「甲」は底本では「乙」］。言ふ［＃「言ふ」はママ］。
時鳥［＃「時鳥」に「ほとゝぎす」のルビ］と青空文庫［＃「青空文庫」の左に「あおぞらぶんこ」のルビ］。
喋［＃「喋」に「ママ」の注記］る。［＃注記付き］名［＃「な」の注記付き終わり］前。
АБ《アーベー》とＡＢＣ《エービーシー》と abc《エービーシー》とMr.《ミスター》と αβ《アルファ》。
「豌」［＃「豌」は底本では「※［＃「足＋宛」、第3水準1-92-36］豆」］と※［＃「口＋墟のつくり」、第3水準1-84-7］を［＃「※［＃「口＋墟のつくり」、第3水準1-84-7］を」に傍点］。
｜縦線だけの行、《題》という、甲《》乙。※印、［注］、〔注〕、＜甲＞、＆、"引用"、<タグ>。
ロケツト《rocket》、いゝ《よい》、ヴィオロン《violon》、一〇〇《ひゃく》、〆切《しめきり》、人々《ひとびと》、仝上《どうじょう》。
［＃ここから３字下げ］
甲
［＃ここから５字下げ］
乙
［＃ここで字下げ終わり］
丙［＃「丙」の左に傍点］。
［＃ここから１段階小さな文字］
小さな行。
［＃ここで小さな文字終わり］
［＃ここから太字］
太い行。
［＃ここで太字終わり］
［＃ここから２０字詰め］
詰めた行。
［＃ここで字詰め終わり］
［＃ここから中見出し］
二行の
見出し
［＃ここで中見出し終わり］
［＃天から５字下げ］甲。［＃この行３字下げ］乙。
脱字［＃「字」は底本では脱字］、［＃ここに図版］、甲［＃行右小書き］ノ［＃行右小書き終わり］。
※［＃濁点付き片仮名ワ、1-7-82］、ワ゛［＃濁点付き片仮名「ワ」、1-7-82］。
二重《にじゅう》［＃「二重」の左に「ダブル」のルビ］の読み、｜東京《とう※［＃小書き片仮名ヨ、1-6-90］》。
○×《まるばつ》、△《さんかく》、々《くりかえし》。％《パーセント》、①《いち》。
""".splitlines()


class Page(html.parser.HTMLParser):
    """The text of the body of a page of the converter, and its readings."""

    BLANK = {"br", "img", "hr", "meta", "link"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self.open, self.readings, self.pictures = [], [], [], 0
        self.inside = False
        self.base = self.reading = self.of_base = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        of = attributes.get("class") or ""
        if tag == "div" and of in ("main_text", "bibliographical_information", "after_text", "notation_notes"):
            self.inside = of == "main_text"
        if tag == "br" and self.inside:
            self.out.append("\n")
        if tag in ("div", "h3", "h4", "h5") and self.inside and not self.is_in_line(of):
            self.out.append("\n")
        if tag == "img" and self.inside and of == "gaiji":
            self.put("〓")
        elif tag == "img" and self.inside:
            self.pictures += 1
        if tag == "ruby":
            self.base, self.reading = len("".join(self.out)), ""
        if tag not in self.BLANK:
            self.open.append((tag, of))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.BLANK:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        of = ""
        while self.open:
            name, of = self.open.pop()
            if name == tag:
                break
        if tag in ("div", "h3", "h4", "h5") and self.inside:
            self.out.append("" if self.is_in_line(of) and tag != "div" else "\n")
        if tag == "ruby" and self.base is not None and self.inside:
            self.readings.append(("".join(self.out)[self.base :], self.reading))
            self.base = None

    def mark_unknown(self):
        """A described character that the converter does not know keeps its sign: before the note, or in the base of the ruby before it."""
        if self.of_base == len(self.out) - 1 and "※" in self.out[-1]:
            self.out[-1] = self.out[-1].replace("※", "〓", 1)
        elif self.out and self.out[-1].endswith("※"):
            self.out[-1] = self.out[-1][:-1] + "〓"

    @staticmethod
    def is_in_line(of):
        """Headings that run in, and what is aligned to the right in a line of other words."""
        return of.startswith(("dogyo", "mado", "chitsuki"))

    def put(self, data):
        if any(tag == "rt" for tag, _ in self.open):
            self.reading += data
        elif not any(tag == "rp" for tag, _ in self.open):
            if any(tag == "rb" for tag, _ in self.open):
                self.of_base = len(self.out)
            self.out.append(data)

    def handle_data(self, data):
        if not self.inside:
            return
        data = re.sub("[\r\n]", "", data)
        if any(of == "notes" for _, of in self.open):
            if not data.startswith("［＃「※」") or "、" in data:
                self.mark_unknown()
            return
        if any(tag in ("sub", "sup") and of in ("kaeriten", "okurigana") for tag, of in self.open):
            return
        self.put(data)


def converted(options, path, directory):
    """What the converter makes of a work, or what it says instead."""
    content = open(path, "rb").read()
    content = re.sub(b"\r\n|\r|\n", b"\r\n", content)
    name = hashlib.sha256(content).hexdigest()[:20]
    source, page = os.path.join(directory, "work.txt"), os.path.join(options.pages or directory, name + ".html")
    open(source, "wb").write(content)
    if os.path.exists(page):
        return taken_apart(page), ""
    command = [options.ruby, "-I" + os.path.join(options.converter, "lib"), os.path.join(options.converter, "bin", "aozora2html"), "--use-jisx0213", "--use-unicode", "--error-utf8", source, page]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if said.returncode:
        if os.path.exists(page):
            os.remove(page)
        return None, said.stdout.decode("utf-8", "replace").strip()[-300:]
    return taken_apart(page), ""


def taken_apart(page):
    parser = Page()
    parser.feed(open(page, "rb").read().decode("cp932", "replace"))
    parser.close()
    return parser


def read(options, path):
    """What our reader makes of it."""
    out = subprocess.run([options.seimai, "normalize", "--form", "none", "--quiet", path], stdout=subprocess.PIPE, check=True).stdout
    return "\n".join(json.loads(line)["text"] for line in out.splitlines())


def lines(text):
    """Lines that are not blank, with repeat marks as they are written in Unicode and signs as normalisation writes them, without blanks around them."""
    text = text.replace("／″＼", "〴〵").replace("／゛＼", "〴〵").replace("／＼", "〳〵").translate(NORMAL)
    return [line for line in (line.strip("　 \t") for line in text.split("\n")) if line]


def blocks(lines):
    """Lines, each alone but those of a block."""
    found, is_open = [], False
    for line in lines:
        found[-1].append(line) if is_open else found.append([line])
        is_open = (is_open or "［＃ここから" in line) and "［＃ここで" not in line
    return ["\r\n".join(block) for block in found]


def differences(theirs, ours):
    """Pieces that differ: (theirs, ours, where)."""
    found = []
    of_lines = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    for tag, a, b, c, d in of_lines.get_opcodes():
        if tag == "equal":
            continue
        left, right = "\n".join(theirs[a:b]), "\n".join(ours[c:d])
        for tag, e, f, g, h in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if tag != "equal":
                found.append((left[e:f], right[g:h], left[max(0, e - 12) : e] + "【" + left[e:f] + "→" + right[g:h] + "】" + left[f : f + 12]))
    return found


def compare(options, path, directory):
    page, said = converted(options, path, directory)
    if page is None:
        return {"work": os.path.basename(path), "refused": said}
    theirs, ours = lines("".join(page.out)), lines(read(options, path))
    pieces = differences(theirs, ours)
    return {
        "work": os.path.basename(path),
        "characters": sum(map(len, theirs)),
        "differ": sum(max(len(left), len(right)) for left, right, _ in pieces),
        "repeat_marks": "".join(page.out).count("／＼") + "".join(page.out).count("／″＼"),
        "pictures": page.pictures,
        "pieces": [where for _, _, where in pieces],
    }


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--converter", required=True)
    arguments.add_argument("--seimai", required=True)
    arguments.add_argument("--ruby", default="ruby")
    arguments.add_argument("--shared", default="../shared")
    arguments.add_argument("--pages")
    arguments.add_argument("--show", type=int, default=20)
    arguments.add_argument("--report")
    arguments.add_argument("files", nargs="*")
    options = arguments.parse_args()
    if not os.path.isfile(os.path.join(options.converter, "bin", "aozora2html")):
        sys.exit(f"--converter {options.converter}: no checkout of aozora2html")
    works = options.files or sorted(glob.glob(os.path.join(options.shared, "data", "dirty", "raw", "aozora_*.txt")))
    with tempfile.TemporaryDirectory() as directory:
        rows = [compare(options, path, directory) for path in works]
        own = os.path.join(directory, "own.txt")
        for block in blocks(OWN):
            open(own, "wb").write((HEAD + block + FOOT).encode("cp932"))
            rows.append(dict(compare(options, own, directory), work=block))
    for row in rows:
        if row.get("refused") or row["differ"]:
            print(json.dumps(dict(row, pieces=row.get("pieces", [])[: options.show]), ensure_ascii=False, indent=1))
    of, lines_of = ([row for row in some if "characters" in row] for some in (rows[: len(works)], rows[len(works) :]))
    report = {
        "what": "benches/suite/aozora_converter.py; characters of works that differ from the web edition's converter, beside readings and pictures",
        "works": len(of),
        "refused": [row["work"] for row in rows if "refused" in row],
        "characters": sum(row["characters"] for row in of),
        "differ": sum(row["differ"] for row in of),
        "in_10000": round(sum(row["differ"] for row in of) / max(1, sum(row["characters"] for row in of)) * 10000, 3),
        "repeat_marks": sum(row["repeat_marks"] for row in of),
        "pieces": [piece for row in of for piece in row["pieces"]],
        "own": {"works": len(lines_of), "characters": sum(row["characters"] for row in lines_of), "differ": sum(row["differ"] for row in lines_of)},
    }
    print(json.dumps(report, ensure_ascii=False, indent=1))
    if options.report:
        open(options.report, "w", encoding="utf-8").write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
