"""Who gives our ids: every pattern, with digits up to three and single, in every program that reads one of our files.

    python benches/suite/portability.py SEIMAI --text JSONL[.zst] … [--peer KIND=ENV/bin/python] … [--record FILE]

KIND is tokenizers, transformers, tiktoken, sentencepiece, llama.cpp (package xllamacpp), kitoken, llguidance or mistral-common; a kind may come several
times, with other versions. For each pattern a small vocabulary is trained on the texts; lines of the texts and random strings of Unicode go through
`seimai encode`, and what it makes of them (normalised text and ids) is what every reader is compared with. The program of a peer runs
this file with --worker. Also --model-types: which model types in a config.json make AutoTokenizer of the installed transformers exchange the
pre-tokenizer, as lines of `dicts/readers/transformers.tsv`.
"""

from __future__ import annotations

import argparse
import ctypes
import glob
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

PATTERNS = ["deepseek-v3", "cl100k", "o200k", "gpt2", "none"]
KINDS = ["tokenizers", "transformers", "tiktoken", "sentencepiece", "llama.cpp", "kitoken", "llguidance", "mistral-common"]
# Blocks that break scanners: ASCII, kana, kanji, symbols, width forms, Latin, marks, emoji, rare kanji, white space, joiners, Hangul, digits.
RANGES = [
    (0x20, 0x7F), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0x3000, 0x303F), (0xFF00, 0xFFEF), (0xA0, 0x24F), (0x300, 0x36F), (0x1F300, 0x1F64F), (0x20000, 0x2A6D0),
    (0x9, 0xD), (0x2000, 0x206F), (0xAC00, 0xD7A3), (0x3400, 0x4DBF), (0xFE00, 0xFE0F), (0x660, 0x669), (0x2460, 0x2473),
]  # fmt: skip


# --- readers: each gives a name with its version, and a function from text to ids ----------------------------------------------------------


def tokenizers_reader(directory):
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(f"{directory}/hf/tokenizer.json")
    return tokenizers.__version__, lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def transformers_reader(directory):
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(f"{directory}/hf")
    return transformers.__version__, lambda text: tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def tiktoken_reader(directory):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    about = json.loads(pathlib.Path(f"{directory}/v.tiktoken.json").read_text())
    encoding = tiktoken.Encoding(**about, mergeable_ranks=load_tiktoken_bpe(f"{directory}/v.tiktoken"))
    return tiktoken.__version__, encoding.encode_ordinary


def sentencepiece_reader(directory):
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=f"{directory}/v.model")
    known = {processor.id_to_piece(number) for number in range(processor.get_piece_size())}

    def encode(text):
        # Characters without a token of their own are outside what the export promises.
        return processor.encode(text) if all(c in known for c in text) else None

    return sentencepiece.__version__, encode


def kitoken_reader(directory):
    import kitoken

    encoder = kitoken.Kitoken.from_file(f"{directory}/hf/tokenizer.json")
    from importlib.metadata import version

    return version("kitoken"), lambda text: list(encoder.encode(text, False))


def llguidance_reader(directory):
    import llguidance
    from importlib.metadata import version

    tokenizer = llguidance.LLTokenizer(pathlib.Path(f"{directory}/hf/tokenizer.json").read_text())
    return version("llguidance"), lambda text: tokenizer.tokenize_str(text)


def mistral_reader(directory):
    """Tekken's file made of the export for tiktoken: the same ranks and expression; its ids count special tokens first."""
    from importlib.metadata import version

    from mistral_common.tokens.tokenizers.base import TokenizerVersion
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    about = json.loads(pathlib.Path(f"{directory}/v.tiktoken.json").read_text())
    lines = [line.split() for line in pathlib.Path(f"{directory}/v.tiktoken").read_text().splitlines()]
    first = int(lines[0][1])
    special = [{"rank": i, "token_str": name, "is_control": True} for i, name in enumerate(["<unk>", "<s>", "</s>"])]
    if [int(rank) for _, rank in lines] != list(range(first, first + len(lines))):
        raise ValueError("ids with gaps, which tekken cannot number")
    vocab = [{"rank": i, "token_bytes": token, "token_str": None} for i, (token, _) in enumerate(lines)]
    tekken = Tekkenizer(vocab, special, about["pat_str"], len(vocab) + len(special), len(special), version=TokenizerVersion("v3"))
    shift = first - len(special)
    return version("mistral-common"), lambda text: [number + shift for number in tekken.encode(text, bos=False, eos=False)]


class LlamaParameters(ctypes.Structure):
    """llama.cpp's parameters of a model, as many bytes as there may be: they are passed by value, in memory."""

    _fields_ = [("bytes", ctypes.c_ubyte * 1024)]


QUIET = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda level, text, data: None)


def llama_reader(directory):
    from importlib.metadata import version

    import xllamacpp

    lib = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(xllamacpp.__file__), "*.so"))[0])
    lib.llama_model_default_params.restype = LlamaParameters
    lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, LlamaParameters]
    lib.llama_model_load_from_file.restype = lib.llama_model_get_vocab.restype = ctypes.c_void_p
    lib.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    ids = ctypes.POINTER(ctypes.c_int32)
    lib.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ids, ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
    lib.llama_log_set(QUIET, None)
    lib.llama_backend_init()
    parameters = lib.llama_model_default_params()
    # vocab_only, the first of the switches, is false by default; where it stands depends on the version.
    if bytes(parameters.bytes[72:76]) != b"\0\0\1\0":
        raise RuntimeError("llama.cpp has other parameters than this program knows (xllamacpp 2026.10)")
    parameters.bytes[72] = 1
    model = lib.llama_model_load_from_file(f"{directory}/v.gguf".encode(), parameters)
    if not model:
        raise ValueError("llama.cpp refuses the vocabulary")
    vocabulary = lib.llama_model_get_vocab(model)

    def encode(text):
        data = text.encode()
        room = (ctypes.c_int32 * (len(data) + 8))()
        return list(room[: lib.llama_tokenize(vocabulary, data, len(data), room, len(room), False, False)])

    return version("xllamacpp"), encode


READERS = {
    "tokenizers": tokenizers_reader, "transformers": transformers_reader, "tiktoken": tiktoken_reader, "sentencepiece": sentencepiece_reader,
    "llama.cpp": llama_reader, "kitoken": kitoken_reader, "llguidance": llguidance_reader, "mistral-common": mistral_reader,
}  # fmt: skip


def work(kind, directory):
    """One reader on one vocabulary: prints what came of it as JSON."""
    texts = json.loads(pathlib.Path(f"{directory}/texts.json").read_text())
    said = {}
    try:
        said["version"], encode = READERS[kind](directory)
        for name, rows in texts.items():
            said[name] = compare(encode, rows)
    except BaseException as error:  # A panic of Rust is no Exception.
        said["refused"] = f"{type(error).__name__}: {error}"[:300]
    print(json.dumps(said))


def compare(encode, rows):
    other, first, compared = 0, [], 0
    for text, ids in rows:
        got = encode(text)
        if got is None:
            continue
        compared += 1
        if got != ids:
            other += 1
            first += [text[:60]] if len(first) < 3 else []
    return {"texts": compared, "other": other, "first": first}


# --- vocabularies and texts ----------------------------------------------------------------------------------------------------------------


def lines_of(path, limit):
    data = open(path, "rb")
    if path.endswith(".zst"):
        import pyarrow

        data = pyarrow.CompressedInputStream(data, "zstd")
    texts = (json.loads(line)["text"] for line in io.TextIOWrapper(data, encoding="utf-8"))
    lines = [line for _, text in zip(range(limit), texts) for line in text.splitlines() if line.strip()]
    return lines


def random_strings(count):
    rng = random.Random(5)
    for _ in range(count):
        pool = rng.sample(RANGES, rng.randint(1, 3)) + [(0x20, 0x20), (0x3042, 0x3096), (0xA, 0xA)]
        yield "".join(chr(rng.randint(*rng.choice(pool))) for _ in range(rng.randint(1, 24)))


def call(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def must(*command):
    done = call(*command)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def encoded(seimai, tokenizer, texts, scratch):
    """What seimai makes of texts: normalised text and ids, in order."""
    import pyarrow.parquet

    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    records = scratch / "texts.jsonl"
    records.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)))
    must(seimai, "encode", records, "--tokenizer", tokenizer, "--form", "none", "-o", scratch / "out", "--quiet")
    decoded = [json.loads(line)["text"] for line in must(seimai, "decode", scratch / "out").splitlines()]
    ids = [row for part in sorted((scratch / "out/tokens").glob("*.parquet")) for row in pyarrow.parquet.read_table(part)["input_ids"].to_pylist()]
    # `encode` above has a text of nothing as a document; no reader is asked for it.
    return [(text, row) for text, row in zip(decoded, ids) if text]


def vocabularies(arguments, scratch):
    """Trains and exports a vocabulary a pattern, and encodes the texts with it."""
    lines = [line for path in arguments.text for line in lines_of(path, arguments.documents)]
    sample = scratch / "sample.jsonl"
    sample.write_text("".join(json.dumps({"id": str(i), "text": line}) + "\n" for i, line in enumerate(lines)))
    chosen = random.Random(3).sample(lines, min(arguments.lines, len(lines)))
    for pattern in PATTERNS:
        for digits in ["up-to-3", "single"]:
            directory = scratch / f"{pattern}-{digits}"
            directory.mkdir()
            sets = ["--set", f"tokenizer.pattern={pattern}", "--set", f"tokenizer.digits={digits}", "--set", "tokenizer.boundaries=script"]
            must(arguments.seimai, "count", sample, *sets, "-o", directory / "counts.parquet", "--quiet")
            must(arguments.seimai, "train", directory / "counts.parquet", "--vocab-size", arguments.vocab_size, *sets, "-o", directory / "hf", "--quiet")
            refused = {}
            for kind, name, more in [("tiktoken", "v.tiktoken", []), ("sentencepiece", "v.model", ["--known-characters"]), ("gguf", "v.gguf", [])]:
                done = call(arguments.seimai, "export", kind, directory / "hf", "-o", directory / name, *more, "--quiet")
                if done.returncode:
                    refused[kind] = done.stderr.splitlines()[0].removeprefix("error: ").split(": ", 1)[-1]
            both = {"lines": chosen, "random": list(random_strings(arguments.random))}
            texts = {name: encoded(arguments.seimai, directory / "hf", rows, directory / "encoded") for name, rows in both.items()}
            (directory / "texts.json").write_text(json.dumps(texts))
            yield pattern, digits, directory, refused


# --- model types -----------------------------------------------------------------------------------------------------------------------------


def model_types(directory):
    """Lines of dicts/readers/transformers.tsv: a model type, its class, and when the pre-tokenizer, normaliser or decoder is exchanged."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    transformers.logging.set_verbosity_error()
    original = json.loads((directory / "tokenizer.json").read_text())
    config = json.loads((directory / "tokenizer_config.json").read_text())
    for model_type in sorted(set(CONFIG_MAPPING_NAMES) | set(TOKENIZER_MAPPING_NAMES)):
        found = []
        for named in [True, False]:
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(directory / "tokenizer.json", folder)
                ours = {key: value for key, value in config.items() if named or key != "tokenizer_class"}
                pathlib.Path(folder, "tokenizer_config.json").write_text(json.dumps(ours))
                pathlib.Path(folder, "config.json").write_text(json.dumps({"model_type": model_type}))
                try:
                    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
                    loaded = json.loads(tokenizer.backend_tokenizer.to_str())
                    exchanged = any(loaded[part] != original[part] for part in ["normalizer", "pre_tokenizer", "decoder"])
                except Exception as error:  # It does not load at all; classes whose packages are missing here say nothing.
                    exchanged = not isinstance(error, ImportError) and "Class validation" not in str(error)
            found.append(exchanged)
        if any(found):
            print(f"{model_type}\t{TOKENIZER_MAPPING_NAMES.get(model_type) or '-'}\t{'always' if found[0] else 'unnamed'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seimai", nargs="?")
    parser.add_argument("--text", nargs="+", default=[])
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--documents", type=int, default=20, help="documents of each file that are trained on and drawn from")
    parser.add_argument("--lines", type=int, default=4000)
    parser.add_argument("--random", type=int, default=4000)
    parser.add_argument("--vocab-size", type=int, default=4000)
    parser.add_argument("--record")
    parser.add_argument("--worker", nargs=2, metavar=("KIND", "DIR"))
    parser.add_argument("--model-types", metavar="TOKENIZER_DIR", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.worker:
        return work(*arguments.worker)
    if arguments.model_types:
        return model_types(arguments.model_types)
    peers = [peer.split("=", 1) for peer in arguments.peer] or [[kind, sys.executable] for kind in KINDS]
    record = []
    with tempfile.TemporaryDirectory() as scratch:
        for pattern, digits, directory, refused in vocabularies(arguments, pathlib.Path(scratch)):
            for kind, python in peers:
                row = {"pattern": pattern, "digits": digits, "reader": kind}
                why = refused.get({"llama.cpp": "gguf", "mistral-common": "tiktoken"}.get(kind, kind))
                if why:
                    row["not_exported"] = why
                else:
                    done = call(python, __file__, "--worker", kind, directory)
                    said = done.stdout.splitlines()[-1:] or [json.dumps({"refused": done.stderr.strip()[-300:]})]
                    row |= json.loads(said[0])
                record.append(row)
                counts = [f"{row[name]['other']} of {row[name]['texts']} {name} differ" for name in ("lines", "random") if name in row]
                print(f"{pattern} {digits}: {kind} {row.get('version', '')}: {row.get('not_exported') or row.get('refused') or ', '.join(counts)}", flush=True)
    if arguments.record:
        about = {"lines": arguments.lines, "random": arguments.random, "vocab_size": arguments.vocab_size, "rows": record}
        pathlib.Path(arguments.record).write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
