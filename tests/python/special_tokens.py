"""Special tokens of every kind: refused by `seimai train` and `seimai plan`, or the same for all readers.

    python tests/python/special_tokens.py SEIMAI JSONL…

Draws sets of special tokens (words of the texts, spellings of bytes, blanks, controls, kana, marks of other systems) and trains a small
vocabulary with each. Which ones a decoder would turn into something else is asked of the library `tokenizers`: exactly those are refused. For the
others ids, decoding and every encoding agree between `seimai encode`, tokenizers, tiktoken, with the special tokens' own characters
in the texts. Needs tokenizers, tiktoken, pyarrow. Prints a line; the first difference ends the program with exit code 1.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import tiktoken
from tiktoken.load import load_tiktoken_bpe
from tokenizers import Tokenizer, decoders

PIECES = [
    "ã", "ģ", "Ĥ", "Ġ", "Ċ", "«", "»", "é", "ÿ", "Ń", "a", "b", "the", "<", ">", "|", "eos", "</s>", "[終]", "です", "ます", "米", "あ", "ｱ", "▁", "｜", " ", "\n",
    "\t", "\x00", "\u00ad", "\u200b", "\u3000", "ń", "😀", "\u0301", "0", "12", "<0x41>", "<unk>", "がぎ", "ガ", "\ufeff", "\\", '"', "'",
]
TRIALS = 30


def demand(condition, message):
    if not condition:
        sys.exit(f"special_tokens: {message}")


def call(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def draw(rng):
    tokens = ["".join(rng.choice(PIECES) for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(1, 4))]
    return [token for token in dict.fromkeys(tokens) if len(token) > 1]


def settings(tokens):
    # JSON's strings are TOML's, but for DEL and what stands outside the first plane.
    written = json.dumps(tokens, ensure_ascii=False).replace("\x7f", "\\u007f")
    first, last = (json.dumps(token, ensure_ascii=False) for token in (tokens[0], tokens[-1]))
    return ["--set", f"tokenizer.special_tokens={written}", "--set", f"tokenizer.eos_token={first}", "--set", f"tokenizer.pad_token={last}"]


def check_readers(seimai, directory, tokens, texts, scratch):
    vocabulary = directory / "tokenizer.json"
    reference = Tokenizer.from_file(str(vocabulary))
    names = set(json.loads(vocabulary.read_text())["model"]["vocab"]) | set(tokens)
    demand(reference.get_vocab_size() == len(names) == max(reference.get_vocab().values()) + 1, f"{tokens}: two tokens are one")
    for at, token in enumerate(tokens):
        demand(reference.token_to_id(token) == at, f"{token!r}: {reference.token_to_id(token)}, not {at}")
        demand(reference.decode([at], skip_special_tokens=False) == token, f"{token!r} is decoded to {reference.decode([at], skip_special_tokens=False)!r}")
        around = reference.encode(f"米{token}を").ids
        demand(at in around, f"{token!r} is not found in a text: {around}")
    texts = texts + [f"米{token}を炊く{token}{token}" for token in tokens]
    records = scratch / "texts.jsonl"
    records.write_text("".join(json.dumps({"id": f"{i:05}", "text": text}) + "\n" for i, text in enumerate(texts)))
    out = scratch / "encoded"
    done = call(seimai, "encode", records, "--tokenizer", directory, "--form", "none", "-o", out, "--quiet")
    demand(done.returncode == 0, f"{tokens}: encode: {done.stderr}")
    ours = {}
    for part in sorted((out / "tokens").glob("*.parquet")):
        table = pq.read_table(part, columns=["doc_id", "input_ids"]).to_pydict()
        ours |= dict(zip(table["doc_id"], table["input_ids"]))
    done = call(seimai, "export", "tiktoken", directory, "-o", scratch / "v.tiktoken", "--quiet")
    demand(done.returncode == 0, f"{tokens}: export: {done.stderr}")
    about = json.loads((scratch / "v.tiktoken.json").read_text())
    encoding = tiktoken.Encoding(**about, mergeable_ranks=load_tiktoken_bpe(str(scratch / "v.tiktoken")))
    reference.encode_special_tokens = True
    decoded = {json.loads(line)["doc_id"]: json.loads(line)["text"] for line in call(seimai, "decode", out).stdout.splitlines()}
    for i, given in enumerate(texts):
        # Controls and invisible characters are taken out before encoding.
        ids, text = ours[f"{i:05}"], decoded[f"{i:05}"]
        demand(text == given or not given.replace("\n", "").isprintable(), f"{tokens}: {given!r} became {text!r}")
        demand(ids == reference.encode(text, add_special_tokens=False).ids, f"{tokens}: tokenizers has other ids for {text!r}")
        demand(ids == encoding.encode_ordinary(text), f"{tokens}: tiktoken has other ids for {text!r}")
        demand(reference.decode(ids, skip_special_tokens=False) == text == encoding.decode(ids), f"{tokens}: decoded to another text: {text!r}")
    for at, token in enumerate(tokens):
        demand(encoding.decode([at]) == token, f"{token!r}: tiktoken decodes it to {encoding.decode([at])!r}")


def main(arguments):
    if len(arguments) < 3:
        sys.exit("usage: python special_tokens.py SEIMAI JSONL…")
    seimai, files = arguments[1], arguments[2:]
    texts = [json.loads(line)["text"] for file in files for line in Path(file).read_text().splitlines()][:20]
    rng, decoder = random.Random(11), decoders.ByteLevel()
    fixed = [["ãģ", "<p>"], ["«eos»", "<p>"], ["ĠA", "<p>"], ["です", "<p>"], ["«終»", "the"], ["\n\n", "  "], ["<a", "<a>"], ["é!", "ab"]]
    refused = accepted = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        done = call(seimai, "count", *files, "--set", "tokenizer.boundaries=script", "-o", scratch / "counts.parquet", "--quiet")
        demand(done.returncode == 0, done.stderr)
        plan = scratch / "plan.toml"
        plan.write_text("[input]\npaths = [" + ", ".join(json.dumps(str(Path(file).resolve())) for file in files) + "]\n[tokenizer]\nboundaries = \"script\"\n")
        for trial, tokens in enumerate([*fixed, *(draw(rng) for _ in range(TRIALS))]):
            if not tokens:
                continue
            directory = scratch / f"t{trial}"
            misread = [token for token in tokens if decoder.decode([token]) != token]
            done = call(seimai, "train", scratch / "counts.parquet", "--vocab-size", "420", "-o", directory, *settings(tokens), "--quiet")
            if misread:
                demand(done.returncode == 2 and "special_tokens" in done.stderr, f"{tokens}: not refused: {done.stderr}")
                done = call(seimai, "plan", plan, *settings(tokens))
                demand(done.returncode == 2 and "special_tokens" in done.stderr, f"{tokens}: accepted by plan: {done.stderr}")
                refused += 1
                continue
            demand(done.returncode == 0, f"{tokens}: {done.stderr}")
            one = scratch / f"s{trial}"
            one.mkdir()
            check_readers(seimai, directory, tokens, texts, one)
            accepted += 1
    demand(refused > 3 and accepted > 10, f"{refused} refused, {accepted} accepted: the draw is bad")
    print(f"special tokens: {refused} sets refused, {accepted} with the same ids and texts in tokenizers and tiktoken")


if __name__ == "__main__":
    main(sys.argv)
