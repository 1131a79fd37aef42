#!/usr/bin/env python3
"""Letters, mails and notices with shared formulae and bodies of their own: how many stay when near-duplicates are removed, with formulae protected and not.

    formulae.py [--seimai target/release/seimai] [--shared ../shared] [--letters 240] [--report FILE.jsonl] [--corpus]

The letters are made here, from a seed: each of four kinds has one opening and one closing that all its letters share; a body says three or five things in words
of its own (0 sentences: one text for all with other names, things and days in it). Some letters stand there twice: as they are, and with another closing. Rows: kept of the letters, and removed of the copies, by kind, size of the
body, threshold and protection. --corpus: documents of shared/data/corpus that protection keeps or drops otherwise, by source, and the CPU time of both runs.
Python 3.9 or later, pyarrow.
"""
import argparse
import collections
import glob
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile

import pyarrow.parquet as pq

KINDS = {
    "business letter": (
        "拝啓　時下ますますご清栄のこととお慶び申し上げます。平素は格別のご高配を賜り、厚く御礼申し上げます。\n"
        "日頃より弊社製品をご愛顧いただき、誠にありがとうございます。さて、下記のとおりご案内申し上げます。\n",
        "\nご多忙のところ誠に恐れ入りますが、何卒ご高覧くださいますよう、よろしくお願い申し上げます。\n"
        "ご不明な点がございましたら、お気軽にお問い合わせください。ご都合のほどをお知らせいただけますと幸甚に存じます。\n"
        "末筆ながら、皆様のますますのご健勝とご多幸をお祈り申し上げます。今後とも変わらぬお引き立てのほど、よろしくお願い申し上げます。\n"
        "まずは略儀ながら書中をもちましてご挨拶申し上げます。\n敬具"),
    "mail": (
        "いつも大変お世話になっております。\nお忙しいところ恐れ入りますが、ご確認のほどよろしくお願いいたします。\n",
        "\nお手数をおかけいたしますが、ご検討のほど、何卒よろしくお願い申し上げます。\n添付いたしました資料もあわせてご査収ください。\n"
        "ご不明な点がございましたら、ご遠慮なくご連絡いただけますと幸いです。\n引き続きよろしくお願いいたします。\n取り急ぎご連絡申し上げます。"),
    "service desk": (
        "お問い合わせいただき、誠にありがとうございます。\nこの度はご不便をおかけし、大変申し訳ございません。お待たせいたしました。\n",
        "\nご迷惑をおかけいたしましたことを、重ねてお詫び申し上げます。\nご不明な点がございましたら、どうぞお気軽にお問い合わせください。\n"
        "恐れ入りますが、少々お待ちくださいませ。またのご利用を心よりお待ちしております。\n今後ともよろしくお願いいたします。"),
    "season's greeting": (
        "謹啓　残暑お見舞い申し上げます。皆様におかれましては、ますますご清祥のことと拝察いたします。\n平素は格別のご厚情を賜り、厚くお礼申し上げます。\n",
        "\n季節の変わり目でございますので、くれぐれもご自愛ください。\n末永くお付き合いのほど、何とぞよろしくお願い申し上げます。\n"
        "略儀ながら書中をもってお礼申し上げます。\n謹んでご多幸をお祈り申し上げます。\n敬白"),
}
OTHER_CLOSING = "\n以上、取り急ぎお知らせまで。ご査収くださいますようお願い申し上げます。\n草々"
WHO = ["倉庫係", "山形の工場", "配送の担当", "新しい店長", "経理課", "品質管理室", "南口の売店", "港の検査場", "隣町の農家", "研究所", "組合", "広報の者"]
WHEN = ["月曜の朝", "三月十日", "先週の土曜", "来月の初め", "昨日の午後", "十五時", "年度末", "収穫のあと", "閉店間際", "梅雨入り前", "二週間後", "祝日の翌日"]
WHAT = ["精米機の部品", "白米二十袋", "請求書の控え", "棚卸しの一覧", "冷蔵車の鍵", "試食会の席", "新銘柄の見本", "古い契約書", "玄米の水分計", "看板の図面", "会員の名簿", "輸送用の木箱"]
DID = ["届きました", "数え直しました", "取り替えることになりました", "見つかりませんでした", "北側の棚へ移しました", "半額で売り出します", "破損していました",
       "三日遅れて出荷します", "別の業者に頼みました", "色を塗り替えます", "写真に撮って保存しました", "受付で預かっています"]
WHY = ["大雨で橋が閉じたため", "検査の結果を受けて", "数が合わず", "担当者が替わり", "湿気を避けて", "売れ行きがよく", "値段が上がったので", "道が混む前に", "床の工事があり",
       "試験に使うために", "季節が変わるので", "要望が多く"]


def body(rng, things):
    if things == 0:
        who, other, when, what, did, why = (rng.choice(words) for words in (WHO, WHO, WHEN, WHAT, DID, WHY))
        return (f"このたび{who}では{why}、{what}を見直すことにいたしました。{when}に一度お集まりいただき、{other}から詳しい話をお聞きになってください。"
                f"前回の{rng.randrange(2, 90)}件は{did}。")
    said = []
    for _ in range(things):
        said.append(f"{rng.choice(WHO)}が{rng.choice(WHEN)}に{rng.choice(WHY)}、{rng.choice(WHAT)}を{rng.randrange(2, 90)}回目の便で{rng.choice(DID)}。")
    return "".join(said)


def letters(n):
    """Rows: id, text. Ids say kind, number of sentences, and copy or not."""
    rng, rows = random.Random(20261129), []
    for kind, (opening, closing) in KINDS.items():
        for i in range(n):
            things = (0, 3, 5)[i % 3]
            own = body(rng, things)
            rows.append((f"{kind}|{things}|letter|{i}", opening + own + closing))
            if i % 8 in (0, 4, 5):
                rows.append((f"{kind}|{things}|copy|{i}", opening + own + closing))
                rows.append((f"{kind}|{things}|other closing|{i}", opening + own + OTHER_CLOSING))
    return rows


def run(seimai, scratch, inputs, near, formulae, preset="none"):
    """Ids kept, those that went as near-duplicates, and CPU seconds."""
    out, plan = os.path.join(scratch, "out"), os.path.join(scratch, "plan.toml")
    shutil.rmtree(out, ignore_errors=True)
    with open(plan, "w") as f:
        f.write(f'[input]\npaths = {json.dumps(inputs)}\n[quality]\npreset = "{preset}"\n[dedup]\nnear = {near}\n[tokenizer]\nvocab_size = 300\n'
                f"[keigo.protect]\nformulae = {str(formulae).lower()}\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = subprocess.run([seimai, "run", plan, "--out", out, "--progress", "none", "--quiet"]).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code not in (0, 3):
        sys.exit(f"exit code {code}")
    fates = {}
    for directory in ("documents", "rejected"):
        for part in sorted(glob.glob(os.path.join(out, directory, "*.parquet"))):
            columns = ["doc_id", "source", "text"] + (["stage", "rule"] if directory == "rejected" else [])
            for batch in pq.ParquetFile(part).iter_batches(columns=columns, batch_size=1024):
                rows = batch.to_pydict()
                for i, doc in enumerate(rows["doc_id"]):
                    fate = f"{rows['stage'][i]}/{rows['rule'][i]}" if "rule" in rows else "kept"
                    fates[doc] = (fate, rows["source"][i], len(rows["text"][i]))
    return fates, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def made(a, scratch):
    rows, file = letters(a.letters), os.path.join(scratch, "letters.jsonl")
    with open(file, "w", encoding="utf8") as out:
        out.writelines(json.dumps({"id": id_, "text": text}, ensure_ascii=False) + "\n" for id_, text in rows)
    for near in (0.8, 0.7, 0.6):
        for formulae in (False, True):
            fates, _ = run(a.seimai, scratch, [file], near, formulae)
            for kind in KINDS:
                for things in ("0", "3", "5"):
                    of = lambda what: [fate[0] == "kept" for id_, fate in fates.items() if id_.startswith(f"{kind}|{things}|{what}|")]
                    kept, copies, dressed = of("letter"), of("copy"), of("other closing")
                    yield {"letters": kind, "sentences": int(things), "near": near, "protected": formulae, "n": len(kept), "kept": round(sum(kept) / len(kept), 4),
                           "copies_removed": f"{len(copies) - sum(copies)} of {len(copies)}",
                           "with_another_closing_removed": f"{len(dressed) - sum(dressed)} of {len(dressed)}"}


def corpus(a, scratch):
    files = sorted(os.path.abspath(path) for path in glob.glob(os.path.join(a.shared, "data", "corpus", "*.zst")))
    if not files:
        sys.exit("skipped: --corpus needs shared/data/corpus (not found)")
    (whole, cpu), (sparing, cpu_sparing) = (run(a.seimai, scratch, files, 0.8, formulae, "auto") for formulae in (False, True))
    changed = collections.defaultdict(list)
    for id_, (fate, source, chars) in whole.items():
        if sparing[id_][0] != fate:
            changed[source, fate, sparing[id_][0]].append((chars, id_))
    for (source, before, after), documents in sorted(changed.items()):
        yield {"corpus": source, "unprotected": before, "protected": after, "documents": len(documents), "characters": sum(chars for chars, _ in documents),
               "some": [id_ for _, id_ in sorted(documents)[:3]]}
    count = lambda fates: dict(sorted(collections.Counter(fate for fate, _, _ in fates.values()).items()))
    yield {"corpus": "all", "documents": len(whole), "fates_unprotected": count(whole), "fates_protected": count(sparing),
           "cpu_s_unprotected": round(cpu, 1), "cpu_s_protected": round(cpu_sparing, 1), "load1": os.getloadavg()[0]}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--letters", type=int, default=240)
    p.add_argument("--report")
    p.add_argument("--corpus", action="store_true")
    a = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for row in [*made(a, scratch), *(corpus(a, scratch) if a.corpus else ())]:
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    if a.report:
        with open(a.report, "w", encoding="utf8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


main()
