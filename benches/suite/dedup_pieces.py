#!/usr/bin/env python3
"""`seimai dedup --lines` and `--substring`: what is found of planted pieces, what of the rest goes, and what it costs.

    dedup_pieces.py --shared SHARED [--seimai target/release/seimai] [--seed 1] [--rounds 3] [--report FILE] [only ...]

    lines      the web-like set of SHARED/data (synth/d20k, chrome known by its generator), behind --exact --near 0.8: chrome found, other characters cut
    substring  passages of one document of SHARED/data/corpus put into later ones, as whole sentences and cut anywhere, in other widths and broken
               into lines; repeats of the corpus itself are cut before
    cost       CPU seconds a byte on real text, with and without, and on shapes that are hard: equal documents, one character, two in turn, pages
               of a template, one document of 100 MB; peak of memory at --memory 512MiB

One thread, JSON Lines in and out, the least of the rounds. Exit code 1 where a goal is missed: .98 of the characters, .001 of others, twice the time a
byte. Python 3.9 or later on Linux, and zstd; standard library only.
"""
import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata

from measured import anonymous_bytes

CORPORA = ["kyoto-wiki", "msdocs-dynamics365ops", "law"]
WIDE = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)} | {"。": "｡", "、": "，"})


def folded(text):
    """Near enough to the view: what is counted, not what is compared."""
    text = unicodedata.normalize("NFKC", text).lower()
    return "".join(c for c in text if unicodedata.category(c)[0] in "LNM" or unicodedata.category(c) in ("Sc", "So"))


def unpacked(path, out):
    subprocess.run(["zstd", "-dqf", path, "-o", out], check=True)


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(path, records):
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


class Bench:
    def __init__(self, options, work):
        self.options, self.work, self.missed = options, work, []

    def dedup(self, name, flags, *inputs):
        """CPU seconds and peak memory in MiB of one call; what it wrote is in the directory of that name."""
        out = os.path.join(self.work, name)
        shutil.rmtree(out, ignore_errors=True)
        command = [self.options.seimai, "dedup", *inputs, "-o", out, "--threads", "1", "--memory", "512MiB", "--progress", "none", "--quiet", "--set", "input.record_max=1073741824"]
        process, peak = subprocess.Popen(command + flags), 0
        while True:
            done, status, used = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            try:
                peak = max(peak, anonymous_bytes(process.pid))
            except FileNotFoundError:
                pass
            time.sleep(0.005)
        if status != 0:
            sys.exit(f"{command + flags}: {status}")
        return used.ru_utime + used.ru_stime, peak / (1 << 20), out

    def least(self, flags, *inputs):
        rounds = [self.dedup("timed", flags, *inputs)[:2] for _ in range(self.options.rounds)]
        return {"cpu_seconds": round(min(seconds for seconds, _ in rounds), 3), "peak_mib": round(max(peak for _, peak in rounds))}

    def goal(self, what, reached):
        if not reached:
            self.missed.append(what)

    def lines(self):
        gold_dir = os.path.join(self.options.shared, "data/synth/d20k")
        docs, gold = (os.path.join(self.work, f"{name}.jsonl") for name in ("docs", "gold"))
        unpacked(f"{gold_dir}/docs.jsonl.zst", docs)
        unpacked(f"{gold_dir}/gold.jsonl.zst", gold)
        _, _, out = self.dedup("lines", ["--exact", "--near", "0.8", "--lines"], docs)
        gone = collections.defaultdict(list)
        rows = read(f"{out}/duplicates.jsonl")
        for row in rows:
            if row["kind"] == "lines":
                gone[row["doc_id"]].append((row["start"], row["end"]))
        removed = {row["doc_id"] for row in rows if row["jaccard"] is not None}
        texts, hosts = {}, {}
        for record in read(docs):
            texts[record["id"]] = record["text"]
            hosts[record["id"]] = re.sub(r"^https?://(www\.)?", "", record.get("url") or "").split("/")[0]
        # What is frequent is known from the gold alone: chrome that five kept documents of a site share, or a hundred.
        chrome, counts, main = [], collections.Counter(), collections.Counter()
        shared = self.documents_by_line(texts, removed)
        for record in read(gold):
            if record["id"] in removed:
                continue
            text, cut = texts[record["id"]], set()
            at = [0]
            for c in text:
                at.append(at[-1] + len(c.encode()))
            place = {byte: n for n, byte in enumerate(at)}
            for start, end in gone[record["id"]]:
                cut.update(range(place[start], place[end]))
            inside, seen = set(), set()
            for span in record.get("boiler") or ():
                inside.update(range(span["start"], span["end"]))
                key = folded(text[span["start"] : span["end"]])
                visible = [n for n in range(span["start"], span["end"]) if not text[n].isspace()]
                chrome.append((record["id"], key, len(visible), sum(n in cut for n in visible)))
                if key not in seen:
                    seen.add(key)
                    counts[key, hosts[record["id"]]] += 1
                    counts[key] += 1
            others = [n for n, c in enumerate(text) if not c.isspace() and n not in inside]
            by_itself = set()
            for line in re.finditer(r"[^\r\n]+", text):
                if shared[folded(line[0])] < 5:
                    by_itself.update(range(*line.span()))
            for kind in {"all", record["kind"]} & {"all", "clean"}:
                main[kind] += len(others)
                main[kind, "cut"] += sum(n in cut for n in others)
                main[kind, "of their own"] += sum(n in cut and n in by_itself for n in others)
        frequent = [(size, cut) for document, key, size, cut in chrome if len(key) >= 10 and (counts[key] >= 100 or counts[key, hosts[document]] >= 5)]
        score = subprocess.run([sys.executable, os.path.join(self.options.shared, "data/gen/score.py"), "boiler", self.work, self.scored(out)], capture_output=True, text=True, check=True)
        found = {
            "documents_kept": len(texts) - len(removed),
            "chrome_characters": sum(size for _, _, size, _ in chrome),
            "chrome_characters_of_frequent_lines": sum(size for size, _ in frequent),
            "found_of_frequent_lines": round(sum(cut for _, cut in frequent) / sum(size for size, _ in frequent), 4),
            "found_of_all_chrome": round(sum(cut for *_, cut in chrome) / sum(size for _, _, size, _ in chrome), 4),
            "other_characters": main["all"],
            "other_characters_cut": main["all", "cut"],
            "characters_of_clean_documents": main["clean"],
            "characters_of_clean_documents_cut": main["clean", "cut"],
            "characters of lines that fewer than 5 documents have, cut": main["all", "of their own"],
            "score.py boiler": score.stdout.split("\n")[:2],
        }
        self.goal("lines: found", found["found_of_frequent_lines"] >= 0.98)
        self.goal("lines: clean characters", main["clean", "cut"] <= 0.001 * main["clean"])
        self.goal("lines: characters of lines of their own", main["all", "of their own"] == 0)
        return found

    @staticmethod
    def documents_by_line(texts, removed):
        counts = collections.Counter()
        for document, text in texts.items():
            if document not in removed:
                counts.update({folded(line) for line in re.split(r"[\r\n]+", text)})
        return counts

    def scored(self, out):
        path = os.path.join(self.work, "scored.jsonl")
        write(path, ({"id": record["id"], "text": record["text"]} for record in read(f"{out}/kept.jsonl")))
        return path

    def base(self):
        """Real documents without what they repeat of each other."""
        path = os.path.join(self.work, "base.jsonl")
        if not os.path.exists(path):
            whole = []
            for name in CORPORA:
                unpacked(os.path.join(self.options.shared, f"data/corpus/{name}.jsonl.zst"), f"{path}.{name}")
                whole.append(f"{path}.{name}")
            _, _, out = self.dedup("base", ["--exact", "--near", "0.8", "--substring", "40"], *whole)
            write(path, ({"id": record["id"], "text": record["text"]} for record in read(f"{out}/kept.jsonl") if len(record["text"]) > 400))
        return path

    def substring(self):
        rng, records = random.Random(self.options.seed), read(self.base())
        sentences = [re.findall(r"[^。\n]*[。\n]+|[^。\n]+$", record["text"]) for record in records]
        texts, plants = [record["text"] for record in records], []
        targets = rng.sample(range(len(records) // 2, len(records)), min(2000, len(records) // 3))
        for number, target in enumerate(targets):
            donor, kind = rng.randrange(len(records) // 2), ["as it is", "width", "lines"][number % 3]
            first = rng.randrange(len(sentences[donor]))
            passage = "".join(sentences[donor][first : first + rng.randint(2, 8)])[:900]
            how = "anywhere" if number % 2 else "sentences"
            if how == "anywhere":
                passage = passage[rng.randint(0, 20) :]
            else:
                passage = re.sub(r"[^。\n]*$", "", passage)
            passage = passage.strip()
            if len(folded(passage)) < 60:
                continue
            passage = {"as it is": passage, "width": passage.translate(WIDE), "lines": re.sub("([、。])", "\\1\n", passage)}[kind]
            at = rng.randrange(len(sentences[target]))
            before, behind = "".join(sentences[target][:at]), "".join(sentences[target][at:])
            if how == "anywhere":
                cut = rng.randrange(len(behind))
                before, behind = before + behind[:cut], behind[cut:]
            texts[target] = before + passage + behind
            plants.append((target, len(before), len(passage), kind, how))
        planted = os.path.join(self.work, "planted.jsonl")
        write(planted, ({"id": str(n), "text": text} for n, text in enumerate(texts)))
        _, _, out = self.dedup("planted", ["--substring", "50"], planted)
        gone = collections.defaultdict(list)
        for row in read(f"{out}/duplicates.jsonl"):
            gone[int(row["doc_id"])].append((row["start"], row["end"]))
        sums, others, others_cut = collections.Counter(), sum(len(text) for text in texts), 0
        inside = {target: (start, start + length) for target, start, length, *_ in plants}
        kinds = {target: (kind, how) for target, *_, kind, how in plants}
        for target, (start, end) in inside.items():
            others -= end - start
            sums[kinds[target], "all"] += sum(not c.isspace() for c in texts[target][start:end])
        for document, spans in gone.items():
            raw = texts[document].encode()
            for start, end in spans:
                piece = raw[start:end].decode()
                at = len(raw[:start].decode())
                low, high = inside.get(document, (0, 0))
                for n, c in enumerate(piece, at):
                    if low <= n < high:
                        sums[kinds[document], "cut"] += not c.isspace()
                    else:
                        others_cut += not c.isspace()
        found = {
            "documents": len(texts),
            "plants": len(plants),
            "found": {" ".join(kind): round(sums[kind, "cut"] / sums[kind, "all"], 4) for kind in sorted({kind for kind, _ in sums})},
            "other_characters": others,
            "other_characters_cut": others_cut,
        }
        whole = [value for kind, value in found["found"].items() if kind.endswith("sentences")]
        self.goal("substring: found", min(whole) >= 0.98)
        self.goal("substring: other characters", others_cut <= 0.001 * others)
        return found

    def cost(self):
        rng = random.Random(self.options.seed)
        base = self.base()
        records = read(base)
        page = records[0]["text"][:1500]
        template = "".join(record["text"][:300] for record in records[1:4])
        shapes = {
            "200,000 equal documents": ({"text": page[:500]} for _ in range(200_000)),
            "one character": ({"text": "あ" * 1_000_000} for _ in range(10)),
            "two in turn": ({"text": "笑う" * 100_000} for _ in range(10)),
            "3,000 pages of a template": ({"text": template + records[n % len(records)]["text"][:300] + str(rng.random())} for n in range(3000)),
            "one document of 100 MB": [{"text": "\n".join(record["text"] for record in records)[:34_000_000]}],
        }
        inputs = {"real text": base}
        for name, made in shapes.items():
            inputs[name] = os.path.join(self.work, name.replace(" ", "-") + ".jsonl")
            write(inputs[name], made)
        table = {}
        for name, path in inputs.items():
            megabytes = os.path.getsize(path) / 1e6
            row = {"megabytes": round(megabytes, 1)}
            for flags in (["--exact"], ["--lines"], ["--substring", "50"]):
                if flags == ["--exact"] and name == "200,000 equal documents":
                    flags = ["--set", "dedup.exact=false", "--set", "dedup.near=false"]
                told = self.least(flags, path)
                told["mb_per_cpu_second"] = round(megabytes / told["cpu_seconds"], 1)
                row[" ".join(flags)] = told
            table[name] = row
            print(name, json.dumps(row), file=sys.stderr, flush=True)
        for flags in ("--lines", "--substring 50"):
            ordinary = table["real text"][flags]["mb_per_cpu_second"]
            for name in [name for name in shapes if name != "two in turn"]:
                self.goal(f"cost: {flags}, {name}", table[name][flags]["mb_per_cpu_second"] * 2 >= ordinary)
        self.goal("cost: --lines 250 MB/s", table["real text"]["--lines"]["mb_per_cpu_second"] >= 250)
        return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seimai", default="target/release/seimai")
    parser.add_argument("--shared", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report")
    parser.add_argument("only", nargs="*", choices=[[], "lines", "substring", "cost"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        bench = Bench(options, work)
        report = {name: getattr(bench, name)() for name in options.only or ["lines", "substring", "cost"]}
    report["missed"] = bench.missed
    text = json.dumps(report, ensure_ascii=False, indent=1)
    print(text)
    if options.report:
        with open(options.report, "w", encoding="utf-8") as out:
            out.write(text + "\n")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
