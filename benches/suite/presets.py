#!/usr/bin/env python3
"""Who loses what: every preset over the shared corpora, by source, documents and characters, and what is left of synthetic noise.

    presets.py [--seimai target/release/seimai] [--shared ../shared] [--report FILE.json] [--page docs/presets.md] [--presets NAME…]

Rows of presets that are not measured stay as they are in FILE.json. Each preset is a whole run without deduplication; `own` gives each source the preset of its genre. With --page the tables are put
between the marks of that page. Python 3.9 or later, pyarrow.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pyarrow.parquet as pq

GENRE = {"aozorahack/aozorabunko_text": ("literature", "literature"), "riywo/law.e-gov.go.jp": ("statutes", "legal"),
         "venali/BilingualCorpus": ("encyclopaedia", "web"), "nu-dialogue/real-persona-chat": ("chat", "dialogue"),
         "MicrosoftDocs/Dynamics-365-Operations": ("ERP manuals", "technical"), "MicrosoftDocs/visualstudio-docs": ("IDE manuals", "technical"),
         "yukarinoki/cpp-docs": ("C++ manuals", "technical"), "rurema/doctree": ("Ruby reference", "technical"),
         "libreoffice-help": ("office help", "technical"), "zembutsu/docs.docker": ("Docker manual", "technical"),
         "rust-lang-ja/book": ("book on Rust", "technical"), "reactjs/ja.react": ("React manual", "technical"),
         "asciidwango/js-primer": ("book on JavaScript", "technical"), "tldr-pages": ("command pages", "technical")}
PRESETS = ["own", "auto", "web", "legal", "literature", "dialogue", "technical", "swallow-v1", "fineweb2-ja"]


def name_of(source):
    for part, (name, preset) in GENRE.items():
        if part in source:
            return name, preset
    return source, "web"


def plan(files, preset):
    text = "[input]\npaths = " + json.dumps(files) + "\n[dedup]\nexact = false\nnear = false\n[tokenizer]\nvocab_size = 300\n[quality]\n"
    if preset != "own":
        return text + f'preset = "{preset}"\n'
    rules = "".join(f'[[quality.rule]]\nsource = "*{part}*"\npreset = "{own}"\n' for part, (_, own) in GENRE.items())
    return text + 'preset = "web"\n' + rules


def run(a, files, preset, scratch):
    """Counts by source and rule ('' = kept): documents, characters; and the ids that were dropped."""
    out, file = os.path.join(scratch, "out"), os.path.join(scratch, "plan.toml")
    shutil.rmtree(out, ignore_errors=True)
    with open(file, "w") as f:
        f.write(plan(files, preset))
    subprocess.run([a.seimai, "run", file, "--out", out, "--progress", "none", "--quiet"], check=True)
    counts, dropped = collections.defaultdict(lambda: [0, 0]), set()
    for directory in ("documents", "rejected"):
        for part in sorted(os.listdir(os.path.join(out, directory))):
            columns = ["doc_id", "source", "text"] + (["rule"] if directory == "rejected" else [])
            for batch in pq.ParquetFile(os.path.join(out, directory, part)).iter_batches(columns=columns, batch_size=1024):
                rows = batch.to_pydict()
                for i, text in enumerate(rows["text"]):
                    rule = rows["rule"][i] if "rule" in rows else ""
                    count = counts[name_of(rows["source"][i])[0], rule]
                    count[0] += 1
                    count[1] += len(text)
                    if rule:
                        dropped.add(rows["doc_id"][i])
    return counts, dropped


def losses(counts):
    """By source: documents, share of documents and characters lost, the rule that took most."""
    found = {}
    for source in dict.fromkeys(source for source, _ in counts):
        mine = {rule: count for (of, rule), count in counts.items() if of == source}
        documents, characters = (sum(count[i] for count in mine.values()) for i in (0, 1))
        kept = mine.pop("", [0, 0])
        most = max(mine, key=lambda rule: (mine[rule][0], rule)) if mine else ""
        found[source] = {"documents": documents, "lost": round(1 - kept[0] / documents, 5), "lost_characters": round(1 - kept[1] / max(1, characters), 5),
                         "most": most, "most_share": round(mine[most][0] / max(1, documents - kept[0]), 3) if most else 0}
    return found


def percent(value):
    return "0" if value == 0 else "< .1" if value < .001 else f"{100 * value:.1f}"


def table(report, presets):
    lines = ["| documents / characters lost, % | " + " | ".join(presets) + " |", "|---|" + "---|" * len(presets)]
    order = list(dict.fromkeys(name for name, _ in GENRE.values()))
    for source in order:
        cells = []
        for preset in presets:
            row = report["presets"][preset].get(source)
            cells.append(f"{percent(row['lost'])} / {percent(row['lost_characters'])}" if row else "")
        lines.append(f"| {source} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reasons(report, presets):
    lines = ["| rule that takes most, where more than 2 % are lost | " + " | ".join(presets) + " |", "|---|" + "---|" * len(presets)]
    for source in list(dict.fromkeys(name for name, _ in GENRE.values())):
        rows = [report["presets"][preset].get(source) for preset in presets]
        cells = [f"`{row['most']}` {100 * row['most_share']:.0f} %" if row and row["lost"] > .02 else "" for row in rows]
        if any(cells):
            lines.append(f"| {source} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def noise_table(report, presets):
    lines = ["| documents dropped, % | " + " | ".join(presets) + " |", "|---|" + "---|" * len(presets)]
    for kind in report["noise"][presets[0]]:
        lines.append(f"| {kind} | " + " | ".join(percent(report["noise"][preset][kind]) for preset in presets) + " |")
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--report")
    p.add_argument("--page")
    p.add_argument("--presets", nargs="+", default=PRESETS)
    a = p.parse_args()
    corpus, synth = os.path.join(a.shared, "data", "corpus"), os.path.join(a.shared, "data", "synth", "d20k")
    if not os.path.isdir(corpus) or not os.path.isdir(synth):
        sys.exit("skipped: presets needs shared/data/corpus and shared/data/synth (not found)")
    files = sorted(os.path.abspath(os.path.join(corpus, name)) for name in os.listdir(corpus) if name.endswith(".zst"))
    gold = {}
    for line in subprocess.run(["zstd", "-dqc", os.path.join(synth, "gold.jsonl.zst")], check=True, stdout=subprocess.PIPE).stdout.splitlines():
        row = json.loads(line)
        gold[row["id"]] = f"{row['expect']} {row['kind']}"
    report = {"presets": {}, "noise": {}}
    if a.report and os.path.exists(a.report):
        report = json.load(open(a.report, encoding="utf8"))
    with tempfile.TemporaryDirectory() as scratch:
        for preset in a.presets:
            report["presets"][preset] = losses(run(a, files, preset, scratch)[0])
            if preset == "own":
                continue
            _, dropped = run(a, [os.path.abspath(os.path.join(synth, "docs.jsonl.zst"))], preset, scratch)
            total, lost = collections.Counter(gold.values()), collections.Counter(gold[i] for i in dropped)
            kinds = sorted(kind for kind in total if kind.startswith("drop"))
            report["noise"][preset] = {kind: round(lost[kind] / total[kind], 5) for kind in kinds}
            print(preset, json.dumps(report["noise"][preset]), flush=True)
    if a.report:
        with open(a.report, "w") as out:
            json.dump(report, out, indent=1, ensure_ascii=False)
            out.write("\n")
    measured = [preset for preset in PRESETS if preset in report["presets"]]
    tables = {"losses": table(report, measured), "rules": reasons(report, measured),
              "noise": noise_table(report, [preset for preset in measured if preset != "own"])}
    if a.page:
        page = open(a.page, encoding="utf8").read()
        for name, text in tables.items():
            page = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: m[1] + text + "\n" + m[2], page, flags=re.S)
        with open(a.page, "w", encoding="utf8") as out:
            out.write(page)
    else:
        print("\n\n".join(tables.values()))


if __name__ == "__main__":
    main()
