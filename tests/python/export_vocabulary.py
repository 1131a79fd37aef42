"""Loads what `seimai export tiktoken` and `seimai export hf` wrote with tiktoken and transformers, and compares ids.

    python tests/python/export_vocabulary.py SEIMAI RUN_DIR [JSONL…]

Compared are the texts of the run's documents, those of the given files (records with "text", .zst or not), and strings made here: random ones
of every kind of character that the patterns tell apart, runs of unassigned and control characters, white space before everything. The
reference is the library `tokenizers` with the run's tokenizer.json. Needs tiktoken, transformers, tokenizers, pyarrow. Prints a line for each
check; the first difference ends the program with exit code 1.
"""

import json
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import tiktoken
import tokenizers
from tiktoken.load import load_tiktoken_bpe
from transformers import AutoTokenizer

KINDS = [
    "あいうえおのをがでした精米玄関東京都", "アイウエオーヽヾヿ", "゛゜゠・", "\u3040\u3097\u3098\u3099\u309a", "々〆〇龦龧豈𠮷", "、。「」（）！？",
    "abcXYZéñß", "0123456789０１２Ⅳ½", " ", "\u3000\t\u00a0\u2028", "\r\n", "!\"#'()*+,-./:;<=>?@[]^_`{|}~", "\u0301\u0308\ufe0f",
    "\u200b\u200d\u00ad\x00\x1f\x7f", "\ue000\U000e0001\u0378", "😀👨👩한국العربية",
]


def demand(condition, message):
    if not condition:
        sys.exit(f"export_vocabulary: {message}")


def made(count):
    rng = random.Random(7)
    strings = ["", "It's we'll 'll", "  a  1  字  、", "\u200b\u200ba", "\u3097\u3098あ", "\u3097\u3098 ", "\x00\x00\x00", "!\u0301a", "<|endoftext|>"]
    for _ in range(count):
        kinds = rng.sample(KINDS, rng.randint(1, 6))
        strings.append("".join(rng.choice(rng.choice(kinds)) for _ in range(rng.randint(1, 40))))
    return strings


def texts_of(path):
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    return [json.loads(line)["text"] for line in data.decode().splitlines()]


def compare(name, reference, encode, texts):
    tokens = 0
    for start in range(0, len(texts), 512):
        batch = texts[start : start + 512]
        for text, encoding in zip(batch, reference.encode_batch(batch, add_special_tokens=False)):
            ids = encode(text)
            if ids != encoding.ids:
                at = next((i for i, (a, b) in enumerate(zip(ids, encoding.ids)) if a != b), min(len(ids), len(encoding.ids)))
                demand(False, f"{name}: token {at}: {ids[at : at + 5]}, not {encoding.ids[at : at + 5]}, in {text[:200]!r}")
            tokens += len(ids)
    return tokens


def run(seimai, *arguments):
    done = subprocess.run([seimai, *map(str, arguments)], capture_output=True, text=True)
    demand(done.returncode == 0, f"{arguments}: exit code {done.returncode}: {done.stderr}")


def check_tiktoken(seimai, directory, reference, texts, scratch):
    run(seimai, "export", "tiktoken", directory, "-o", scratch / "v.tiktoken")
    about = json.loads((scratch / "v.tiktoken.json").read_text())
    ranks = load_tiktoken_bpe(str(scratch / "v.tiktoken"))
    encoding = tiktoken.Encoding(**about, mergeable_ranks=ranks)
    # tokenizers takes a special token in a text for the token, as tiktoken does where it is allowed.
    tokens = compare("tiktoken", reference, lambda text: encoding.encode(text, allowed_special="all"), texts)
    for text in texts[:200]:
        demand(encoding.decode(encoding.encode_ordinary(text)) == text, f"tiktoken decodes to another text: {text[:200]!r}")
    size = reference.get_vocab_size()
    print(f"tiktoken {version('tiktoken')}: {len(ranks)} of {size} tokens; {len(texts)} texts, {tokens} tokens: the same ids")


def check_transformers(directory, reference, texts, length):
    tokenizer = AutoTokenizer.from_pretrained(str(directory))
    tokens = compare("transformers", reference, lambda text: tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"], texts)
    said = (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token, tokenizer.unk_token)
    demand(said == ("<|endoftext|>", "<|pad|>", None, None), f"transformers: special tokens {said}")
    demand(tokenizer.model_max_length == length, f"transformers: model_max_length {tokenizer.model_max_length}, not {length}")
    demand(sorted(tokenizer("米")) == ["attention_mask", "input_ids"], f"transformers: a model gets {sorted(tokenizer('米'))}")
    demand(tokenizer("米", add_special_tokens=True)["input_ids"] == tokenizer("米", add_special_tokens=False)["input_ids"], "transformers adds tokens")
    for text in texts[:200]:
        ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        demand(tokenizer.decode(ids) == text, f"transformers decodes to another text: {text[:200]!r}")
    # The text of a special token is text for us.
    inside = tokenizer("<|endoftext|>", split_special_tokens=True)["input_ids"]
    demand(all(id not in tokenizer.all_special_ids for id in inside), "split_special_tokens does not split")
    with tempfile.TemporaryDirectory() as saved:
        tokenizer.save_pretrained(saved)
        again = AutoTokenizer.from_pretrained(saved)
        compare("transformers, saved and loaded", reference, lambda text: again(text, add_special_tokens=False, verbose=False)["input_ids"], texts[:500])
        demand(again.eos_token == tokenizer.eos_token and again.model_max_length == length, "transformers forgets roles when it saves")
    print(f"transformers {version('transformers')}: {type(tokenizer).__name__}, {len(texts)} texts, {tokens} tokens: the same ids")


def main(arguments):
    if len(arguments) < 3:
        sys.exit("usage: python export_vocabulary.py SEIMAI RUN_DIR [JSONL…]")
    seimai, directory = arguments[1], Path(arguments[2])
    reference = tokenizers.Tokenizer.from_file(str(directory / "tokenizer" / "tokenizer.json"))
    texts = made(20_000)
    for path in sorted((directory / "documents").glob("*.parquet")):
        texts += pq.read_table(path, columns=["text"])["text"].to_pylist()
    for path in arguments[3:]:
        texts += texts_of(Path(path))
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        check_tiktoken(seimai, directory, reference, texts, scratch)
        plan = (directory / "plan.toml").read_text()
        length = int(next(line for line in plan.splitlines() if line.startswith("sequence_length")).split("=")[1])
        check_transformers(directory / "tokenizer", reference, texts, length)
        run(seimai, "export", "hf", directory, "-o", scratch / "hf", "--model-max-length", "123")
        check_transformers(scratch / "hf", reference, texts[:1000], 123)


if __name__ == "__main__":
    main(sys.argv)
