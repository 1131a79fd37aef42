"""Every pattern in every program that reads one of our files: the same ids on real lines and random Unicode.

    python tests/python/readers.py SEIMAI JSONL[.zst]…

For each pattern, with digits up to three and single, a vocabulary is trained on the texts, exported, and loaded by tokenizers, transformers, tiktoken,
SentencePiece, kitoken, llguidance and llama.cpp (package xllamacpp), those that are installed. What `seimai encode` gives is the measure. The readers are those of
benches/suite/portability.py, which compares more versions on more text. What `seimai tokenizer check` says of tokenizers and llama.cpp is held
against it. Prints a line a reader; the first difference ends the program with exit code 1.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "../../benches/suite"))
import portability  # noqa: E402

PACKAGES = {"llama.cpp": "xllamacpp", "mistral-common": "mistral_common"}
# mistral-common is not among them: its format demands that the 256 bytes have the first ids, in their own order.
KINDS = [kind for kind in portability.KINDS if kind != "mistral-common"]


def demand(condition, message):
    if not condition:
        sys.exit(f"readers: {message}")


def main(arguments):
    if len(arguments) < 3:
        sys.exit("usage: python readers.py SEIMAI JSONL…")
    kinds = [kind for kind in KINDS if importlib.util.find_spec(PACKAGES.get(kind, kind))]
    for missing in set(KINDS) - set(kinds):
        print(f"skipped: {missing} is not installed (package {PACKAGES.get(missing, missing)})")
    asked = argparse.Namespace(seimai=arguments[1], text=arguments[2:], documents=100, lines=300, random=300, vocab_size=1200)
    said = {kind: [0, 0, None] for kind in kinds}
    with tempfile.TemporaryDirectory() as scratch:
        for pattern, digits, directory, refused in portability.vocabularies(asked, Path(scratch)):
            texts = json.loads((directory / "texts.json").read_text())
            done = subprocess.run([asked.seimai, "tokenizer", "check", str(directory / "hf"), "--json"], capture_output=True, text=True)
            readers = {reader["reader"]: reader["ids"] for reader in json.loads(done.stdout)["readers"]}
            ids_in = lambda program: next(ids for name, ids in readers.items() if name.startswith(program))  # noqa: E731
            demand(("same ids" in ids_in("llama.cpp")) == ("gguf" not in refused), f"{pattern} {digits}: check says {ids_in('llama.cpp')}")
            demand(ids_in("tokenizers 0") == "same ids" and ("sentencepiece" in refused) == (pattern != "none"), f"{pattern} {digits}: {readers} {refused}")
            for kind in kinds:
                if {"llama.cpp": "gguf"}.get(kind, kind) in refused:
                    continue
                version, encode = portability.READERS[kind](directory)
                for text, ids in [*texts["lines"], *texts["random"]]:
                    got = encode(text)
                    if got is not None:
                        demand(got == ids, f"{pattern} {digits}: {kind} {version} gives {got[:12]}, not {ids[:12]}, for {text[:80]!r}")
                        said[kind][1] += 1
                said[kind][0] += 1
                said[kind][2] = version
    for kind, (vocabularies, texts, version) in said.items():
        # SentencePiece is asked for texts whose characters all have a token.
        demand(vocabularies > 1 and texts > (50 if kind == "sentencepiece" else 1000), f"{kind}: {vocabularies} vocabularies, {texts} texts")
        print(f"{kind} {version}: {vocabularies} vocabularies, {texts} texts: the same ids")


if __name__ == "__main__":
    main(sys.argv)
