"""Compares the figures and verdicts of the presets swallow-v1 and fineweb2-ja with the peers' own code.

    cargo build --release --example quality_parity
    pip install datatrove==0.10.1 regex
    git clone https://github.com/swallow-llm/swallow-corpus
    python tests/python/quality_parity.py target/release/examples/quality_parity swallow-corpus/quality.py CONFIG.yml CORPUS.jsonl… [--documents N]

CONFIG.yml is configs/jpn_Jpan.yml of huggingface/fineweb-2. CORPUS lines hold `text`, and `words` if another splitter than the one
below is to be used: both sides get the same words, so any splitter will do. Exit code 1 if anything differs.
"""
import argparse
import importlib.util
import json
import math
import re
import subprocess
import sys
import tempfile

from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters import fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter

# Runs of a script, and what stands alone: not Japanese words, but something like them.
SPLIT = re.compile(r"[一-龥々]{1,2}|[ァ-ヺー]+|[ぁ-ゖ]{1,2}|[A-Za-z]+|[0-9]+|\s+|.", re.S)
LIMITS = [  # swallow-corpus, apply_v1, in our names
    ("num_letters", "min", 400), ("duplicate_paragraph_fraction", "max", .30), ("duplicate_sentence_fraction", "max", .30),
    ("duplicate_paragraph_fraction_in_character", "max", .20), ("duplicate_sentence_fraction_in_character", "max", .20),
    ("top_2gram_character_fraction", "max", .20), ("top_3gram_character_fraction", "max", .18), ("top_4gram_character_fraction", "max", .16),
    ("duplicate_5gram_character_fraction", "max", .15), ("duplicate_6gram_character_fraction", "max", .14),
    ("duplicate_7gram_character_fraction", "max", .13), ("duplicate_8gram_character_fraction", "max", .12),
    ("duplicate_9gram_character_fraction", "max", .11), ("duplicate_10gram_character_fraction", "max", .10),
    ("hiragana_fraction", "min", .2), ("katakana_fraction", "max", .5), ("japanese_fraction", "min", .5), ("num_japanese_letters", "min", 400),
    ("avg_sentence_length", "min", 20), ("avg_sentence_length", "max", 90), ("max_sentence_length", "max", 200), ("ellipsis_fraction", "max", .2)]
REASONS = [  # ours, with the side that fails; limits come from the configuration
    ("dup_line_frac", "max"), ("top_2_gram", "max"), ("top_3_gram", "max"), ("top_4_gram", "max"), *((f"duplicated_{n}_n_grams", "max") for n in range(5, 11)),
    ("line_punct_ratio", "min"), ("char_dup_ratio", "max"), ("list_ratio", "max"), ("gopher_short_doc", "min"), ("gopher_long_doc", "max"),
    ("gopher_below_avg_threshold", "min"), ("gopher_above_avg_threshold", "max"), ("gopher_too_many_hashes", "max"), ("gopher_too_many_ellipsis", "max"),
    ("gopher_too_many_bullets", "max"), ("gopher_too_many_end_ellipsis", "max"), ("gopher_below_alpha_threshold", "min"), ("gopher_enough_stop_words", "min")]
FIGURE = {"gopher_short_doc": "gopher_doc_words", "gopher_long_doc": "gopher_doc_words", "gopher_below_avg_threshold": "gopher_avg_word_length",
          "gopher_above_avg_threshold": "gopher_avg_word_length"}


def fails(value, side, limit):
    return value is not None and (value < limit if side == "min" else value > limit)


def simple_yaml(path):
    """The configuration is flat: numbers, a list of strings, lists of pairs."""
    config, key = {}, None
    for line in open(path, encoding="utf8"):
        line = line.rstrip()
        if m := re.match(r"(\w+):\s*(.*)", line):
            key = m[1]
            config[key] = float(m[2]) if m[2] else []
        elif m := re.match(r"- - (\d+)", line):
            config[key].append([int(m[1])])
        elif m := re.match(r"\s+- ([\d.]+)", line):
            config[key][-1].append(float(m[1]))
        elif m := re.match(r"- (.+)", line):
            config[key].append(json.loads(m[1]) if m[1].startswith('"') else m[1])
    return config


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("program")
    p.add_argument("swallow")
    p.add_argument("config")
    p.add_argument("corpus", nargs="+")
    p.add_argument("--documents", type=int, default=5000)
    p.add_argument("--characters", type=int, default=30000)
    a = p.parse_args()
    records = []
    for path in a.corpus:
        for i, line in enumerate(open(path, encoding="utf8")):
            if i * len(a.corpus) >= a.documents:
                break
            record = json.loads(line)
            text = record["text"][:a.characters]
            records.append({"text": text, "words": record.get("words") or SPLIT.findall(text)})
    with tempfile.TemporaryFile("w+", encoding="utf8") as stdin:
        for record in records:
            stdin.write(json.dumps(record, ensure_ascii=False) + "\n")
        stdin.seek(0)
        out = subprocess.run([a.program], stdin=stdin, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    names, ours = json.loads(out[0]), [json.loads(line) for line in out[1:]]
    spec = importlib.util.spec_from_file_location("swallow_quality", a.swallow)
    swallow = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(swallow)
    config = simple_yaml(a.config)
    words = {}
    for module in (fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter):
        module.split_into_words = lambda text, language: words[text]
    filters = [
        GopherRepetitionFilter(language="jpn_Jpan", dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0, dup_line_frac=config["dup_line_frac"],
                               top_n_grams=config["top_n_grams"], dup_n_grams=config["dup_n_grams"]),
        FineWebQualityFilter(language="jpn_Jpan", short_line_thr=999, char_duplicates_ratio=0.1, line_punct_thr=config["line_punct_thr"],
                             new_line_ratio=config["new_line_ratio"]),
        GopherQualityFilter(language="jpn_Jpan", max_avg_word_length=config["max_avg_word_length"], min_avg_word_length=config["min_avg_word_length"],
                            stop_words=config["stopwords"], max_non_alpha_words_ratio=config["max_non_alpha_words_ratio"], min_stop_words=2)]
    limits = ([config["dup_line_frac"], *(limit for _, limit in config["top_n_grams"]), *(limit for _, limit in config["dup_n_grams"]),
               config["line_punct_thr"], 0.1, config["new_line_ratio"], 50, 100000, config["min_avg_word_length"], config["max_avg_word_length"],
               0.1, 0.1, 0.9, 0.3, config["max_non_alpha_words_ratio"], 2])
    figures = verdicts = reasons = raised = compared = 0
    kept = [0, 0]
    for record, own in zip(records, ours):
        text = record["text"]
        swallow_own = dict(zip(names["swallow_v1"], own["swallow_v1"]))
        keep = not any(fails(swallow_own[name], side, limit) for name, side, limit in LIMITS)
        try:
            theirs = swallow.main({"text": text})
        except (IndexError, ValueError):
            raised += 1
            verdicts += keep
        else:
            compared += 1
            figures += any(not math.isclose(value, theirs[name], abs_tol=1e-9) for name, value in swallow_own.items())
            verdicts += keep != swallow.apply_v1(theirs)
            kept[0] += keep
        fine_own = dict(zip(names["fineweb2_ja"], own["fineweb2_ja"]))
        failed = [reason for (reason, side), limit in zip(REASONS, limits) if fails(fine_own[FIGURE.get(reason, reason)], side, limit)]
        words[text] = [word.strip() for word in record["words"] if word.strip()]
        found = None
        if text.strip():
            for filter_ in filters:
                result = filter_.filter(Document(text=text, id="0"))
                if result is not True:
                    found = result[1]
                    break
            reasons += (failed[0] if failed else None) != found
            kept[1] += found is None
    print(f"swallow-v1: {compared} documents, {figures} with another figure, {verdicts} with another verdict, {kept[0]} kept, {raised} where the peer raises an error")
    print(f"fineweb2-ja: {len(records)} documents, {reasons} with another verdict or first reason, {kept[1]} kept")
    sys.exit(1 if figures or verdicts or reasons else 0)


if __name__ == "__main__":
    main()
