#!/usr/bin/env python3
"""Keigo against what people marked: honorific spans in running text, registers, minimal pairs, politeness of sentences.

    keigo.py --seimai SEIMAI [--shared ../shared] [--dictionary ipadic] [--second NAME] [--report FILE] [--show]

Everything goes through `SEIMAI keigo`, as a user has it. --second names an installed UniDic: spans are then scored over both
dictionaries. --show prints every span that is wrong or missing. Prints one JSON line a measure and writes all of them to --report. Scores of spans are those
of shared/keigo/running_score.py and score.py; politeness: a text is polite if a sentence of it is keitai or has a level above 0, and its level is the
highest of its sentences (2 and 3 count as one); statutes are the first 20,000 characters of every fourth document of data/corpus/law.
Needs the shared data ($SEIMAI_SHARED); the standard library, and for .zst files the program `zstd` or Python's `zstandard`. Python 3.9 or later.
"""
import argparse
import collections
import io
import json
import os
import shutil
import subprocess
import sys

HONORIFIC = {"SON", "KEN1", "KEN2", "KEN12"}
# Labels of KeiCO: 1 and 2 respectful, 3 polite, 4 casual.
KEICO_LEVEL = {1: 2, 2: 2, 3: 1, 4: 0}


def rows(path):
    with open(path, encoding="utf8") as file:
        return [json.loads(line) for line in file if line.strip()]


def zst_rows(path):
    if shutil.which("zstd"):
        data = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    else:
        import zstandard
        with open(path, "rb") as file:
            data = zstandard.ZstdDecompressor().stream_reader(file).read()
    return [json.loads(line) for line in io.StringIO(data.decode("utf8")) if line.strip()]


class Program:
    def __init__(self, path, dictionary):
        self.path, self.dictionary = path, dictionary

    def ask(self, texts, form):
        lines = "".join(json.dumps({"id": str(i), "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts))
        command = [self.path, "keigo", "-", "--dictionary", self.dictionary, "--format", form]
        done = subprocess.run(command, input=lines.encode(), capture_output=True)
        if done.returncode:
            sys.exit(done.stderr.decode())
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def run(self, texts):
        """The sentences of each text."""
        texts = list(texts)
        found = [{"sentences": []} for _ in texts]
        for sentence in self.ask(texts, "jsonl"):
            found[int(sentence["id"])]["sentences"].append(sentence)
        return found

    def registers(self, texts):
        return [document["register"] for document in self.ask(texts, "summary")]


def share(part, whole):
    return round(part / whole, 4) if whole else None


def spans(result):
    return [span for sentence in result["sentences"] for span in sentence["spans"] if span["class"] in HONORIFIC]


def accepted(gold):
    if gold.get("optional"):
        return HONORIFIC
    classes = {gold["class"], *gold.get("alt", ())}
    return classes | {"KEN1", "KEN2"} if "KEN12" in classes else classes


def hits(span, gold):
    return span["start"] < gold["end"] and gold["start"] < span["end"] and span["class"] in accepted(gold)


def running(program, shared, show):
    gold = rows(os.path.join(shared, "keigo/running-dev.jsonl"))
    total = collections.defaultdict(collections.Counter)
    for row, result in zip(gold, program.run([row["text"] for row in gold])):
        found = spans(result)
        wrong = [span for span in found if not any(hits(span, g) for g in row["spans"])]
        wanted = [g for g in row["spans"] if not (g.get("optional") or g.get("weak"))]
        missed = [g for g in wanted if not any(hits(span, g) for span in found)]
        for count in (total[row["genre"]], total["all"]):
            count.update(right=len(found) - len(wrong), wrong=len(wrong), found=len(wanted) - len(missed), missed=len(missed))
        if show and (wrong or missed):
            print(row["genre"], row["text"], "wrong", [(row["text"][s["start"]:s["end"]], s["rule"]) for s in wrong], "missed",
                  [(row["text"][g["start"]:g["end"]], g["class"]) for g in missed], file=sys.stderr)
    told = {}
    for genre, count in sorted(total.items()):
        precision, recall = share(count["right"], count["right"] + count["wrong"]), share(count["found"], count["found"] + count["missed"])
        told[genre] = {"precision": precision, "recall": recall, **count}
    precision, recall = told["all"]["precision"] or 0, told["all"]["recall"] or 0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
    return {"measure": "running text", "dictionary": program.dictionary, "f1": round(f1, 4), **told}


def registers(program, shared, show):
    gold = rows(os.path.join(shared, "keigo/registers-dev.jsonl"))
    right = 0
    for row, register in zip(gold, program.registers([row["text"] for row in gold])):
        good = register in row["labels"]
        right += good
        if show and not good:
            print(row["labels"], register, row["text"][:200], file=sys.stderr)
    return {"measure": "registers", "dictionary": program.dictionary, "right": right, "of": len(gold), "accuracy": share(right, len(gold))}


def pairs(program, shared, _show):
    path = os.path.join(shared, "keigo/dev-minimal-pairs.jsonl")
    gold = [row for row in rows(path) if row["kind"] == "sentence"]
    count, tones = collections.Counter(), collections.Counter()
    for row, result in zip(gold, program.run([row["text"] for row in gold])):
        sentence = result["sentences"][0]
        loose = lambda g: accepted(g) | ({"TEI", "BIK"} if g.get("optional") else set())
        meets = lambda s, g: s["start"] < g["end"] and g["start"] < s["end"] and s["class"] in loose(g)
        count["wrong"] += sum(not any(meets(s, g) for g in row["spans"]) for s in sentence["spans"])
        wanted = [g for g in row["spans"] if not (g.get("optional") or g.get("weak"))]
        count["found"] += sum(any(meets(s, g) for s in sentence["spans"]) for g in wanted)
        count["wanted"] += len(wanted)
        count["style"] += sentence["style"] == row["style"]
        count["level"] += sentence["level"] in row["level"]
        flags = [(m["type"], m["start"], m["end"]) for s in result["sentences"] for m in s["misuse"]]
        right = sum(any(m["type"] == t and start < m["end"] and m["start"] < end for m in row["misuse"]) for t, start, end in flags)
        count.update(flagged=len(flags), flagged_rightly=right, misused=len(row["misuse"]), clean_flagged=bool(flags and not row["misuse"]))
        tones[(row["tone"] != "neutral", sentence["tone"] == row["tone"])] += 1
    f1 = 2 * count["found"] / (count["found"] + count["wrong"] + count["wanted"])
    return {"measure": "minimal pairs", "dictionary": program.dictionary, "sentences": len(gold), "span_micro_f1": round(f1, 4), "style": share(count["style"], len(gold)),
            "level": share(count["level"], len(gold)), "misuse_f1": share(2 * count["flagged_rightly"], count["flagged"] + count["misused"]),
            "clean_sentences_flagged": count["clean_flagged"], "tone_not_neutral": [tones[True, True], tones[True, True] + tones[True, False]],
            "neutral_taken_for_a_tone": tones[False, False]}


def polite(result):
    return any(s["style"] == "keitai" or s["level"] > 0 for s in result["sentences"])


def keico(program, shared, _show):
    gold = rows(os.path.join(shared, "data/keigo/keico-dev.jsonl"))
    two = three = 0
    for row, result in zip(gold, program.run([row["text"] for row in gold])):
        level = max((s["level"] for s in result["sentences"]), default=0)
        two += polite(result) == (row["level"] != 4)
        three += (min(level, 2) if polite(result) else 0) == KEICO_LEVEL[row["level"]]
    return {"measure": "KeiCO", "dictionary": program.dictionary, "sentences": len(gold), "polite_against_plain": share(two, len(gold)), "three_levels": share(three, len(gold))}


def two_sides(program, path, sides, wanted=lambda row: True):
    gold = [row for row in rows(path) if wanted(row)]
    right = 0
    for side, want in zip(sides, (True, False)):
        for result in program.run([row[side].replace("\n", " ") for row in gold]):
            right += any(s["style"] == "keitai" for s in result["sentences"]) == want
    return {"dictionary": program.dictionary, "right": right, "of": 2 * len(gold), "accuracy": share(right, 2 * len(gold))}


def cocoa(program, shared, _show):
    path = os.path.join(shared, "data/keigo/cocoa-mt-pairs-train.jsonl")
    by = {domain: two_sides(program, path, ("formal", "informal"), lambda row: row["domain"] == domain and row["formal"] != row["informal"])
          for domain in sorted({row["domain"] for row in rows(path)})}
    return {"measure": "CoCoA-MT", **{domain: result["accuracy"] for domain, result in by.items()}}


def pastel(program, shared, _show):
    return {"measure": "PASTEL-JP", **two_sides(program, os.path.join(shared, "data/keigo/pastel-politeness.jsonl"), ("polite", "impolite"))}


def statutes(program, shared, show):
    documents = zst_rows(os.path.join(shared, "data/corpus/law.jsonl.zst"))[::4]
    sentences, found = 0, collections.Counter()
    for document, result in zip(documents, program.run([document["text"][:20000] for document in documents])):
        sentences += len(result["sentences"])
        found.update(document["text"][s["start"]:s["end"]] for s in spans(result))
    if show:
        print(found.most_common(30), file=sys.stderr)
    return {"measure": "statutes", "documents": len(documents), "sentences": sentences, "spans": found.total(),
            "spans_per_1000_sentences": round(1000 * found.total() / sentences, 3)}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", required=True)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--dictionary", default="ipadic")
    p.add_argument("--second")
    p.add_argument("--report")
    p.add_argument("--show", action="store_true")
    a = p.parse_args()
    told = []
    for name in [a.dictionary] + [a.second] * bool(a.second):
        program = Program(a.seimai, name)
        first = name == a.dictionary
        for measure in [running, registers, pairs] + [keico, cocoa, pastel, statutes] * first:
            told.append(measure(program, a.shared, a.show))
            print(json.dumps(told[-1], ensure_ascii=False), flush=True)
    if a.report:
        with open(a.report, "w", encoding="utf8") as out:
            json.dump(told, out, ensure_ascii=False, indent=1)
            out.write("\n")


main()
