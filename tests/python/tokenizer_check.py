"""What `seimai tokenizer check` says, held against transformers and tokenizers themselves.

    python tests/python/tokenizer_check.py SEIMAI RUN_DIR

* The digest of the content stays when tokenizers and transformers load the tokenizer and save it, and is what the rules of docs/formats/tokenizer.md give
  here, in Python.
* A model type in a config.json that is found makes AutoTokenizer exchange the pre-tokenizer, and what the remedy says prevents it; one that is not
  found does not. Needs the version of transformers that dicts/readers/transformers.tsv names.

Needs transformers, tokenizers, blake3. Prints a line for each; the first difference ends the program with exit code 1.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import tokenizers  # noqa: E402
import transformers  # noqa: E402
from blake3 import blake3  # noqa: E402
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES  # noqa: E402

FLAGS = ["content", "id", "lstrip", "normalized", "rstrip", "single_word", "special"]


def demand(condition, message):
    if not condition:
        sys.exit(f"tokenizer_check: {message}")


def content(path):
    """The digest as docs/formats/tokenizer.md says."""
    file = json.loads(Path(path).read_text())

    def step(value, decoder=False):
        if not isinstance(value, dict):
            return value
        byte_level = value["type"] == "ByteLevel"
        if byte_level and decoder:
            return {"type": "ByteLevel"}
        made = {"use_regex": True} if byte_level else {}
        for name, member in value.items():
            if name in ("normalizers", "pretokenizers", "decoders"):
                if not member:
                    return None
                member = [step(inner, decoder) for inner in member]
            if name != "trim_offsets":
                made[name] = member
        return made

    model = {"type": "BPE"} | {name: value for name, value in file["model"].items() if value not in (None, False, "") and not (name == "dropout" and value == 0)}
    model["merges"] = [merge.split(" ", 1) if isinstance(merge, str) else merge for merge in model["merges"]]
    made = {
        "added_tokens": [{name: token.get(name, False) for name in FLAGS} for token in sorted(file["added_tokens"], key=lambda token: token["id"])],
        "decoder": step(file.get("decoder"), True),
        "model": model,
        "normalizer": step(file.get("normalizer")),
        "pre_tokenizer": step(file.get("pre_tokenizer")),
    }
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return blake3(("seimai tokenizer content 1\n" + text).encode()).hexdigest()


def check(seimai, directory):
    done = subprocess.run([seimai, "tokenizer", "check", str(directory / "tokenizer.json"), "--json"], capture_output=True, text=True)
    demand(done.returncode in (0, 2) and done.stdout, done.stderr)
    return json.loads(done.stdout)


def check_digest(seimai, ours, scratch):
    wanted = check(seimai, ours)["content_blake3"]
    demand(content(ours / "tokenizer.json") == wanted, "the rules of the documentation give another digest")
    saved = [scratch / "tokenizers", scratch / "auto", scratch / "fast", scratch / "twice"]
    saved[0].mkdir()
    tokenizers.Tokenizer.from_file(str(ours / "tokenizer.json")).save(str(saved[0] / "tokenizer.json"), pretty=False)
    transformers.AutoTokenizer.from_pretrained(str(ours)).save_pretrained(saved[1])
    transformers.PreTrainedTokenizerFast(tokenizer_file=str(ours / "tokenizer.json"), eos_token="<|endoftext|>").save_pretrained(saved[2])
    transformers.AutoTokenizer.from_pretrained(str(saved[1])).save_pretrained(saved[3])
    for directory in saved:
        said = check(seimai, directory)
        demand((directory / "tokenizer.json").read_bytes() != (ours / "tokenizer.json").read_bytes(), "the library wrote the same bytes: nothing is tested")
        demand(said["content_blake3"] == wanted and said["sound"], f"{directory.name}: {said}")
    grown = transformers.AutoTokenizer.from_pretrained(str(ours))
    grown.add_tokens(["<new>"])
    grown.save_pretrained(scratch / "grown")
    demand(check(seimai, scratch / "grown")["content_blake3"] != wanted, "one token more is the same content")
    print(f"content: the same after tokenizers {tokenizers.__version__} and transformers {transformers.__version__}, another with one token more")


def check_model_types(seimai, ours, table, scratch):
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    version = next(line.split("\t")[1] for line in table.splitlines() if line.startswith("# transformers\t"))
    demand(version == transformers.__version__, f"the table is of transformers {version}; renew it (dicts/readers/README.md)")
    always = {row[0] for row in rows if row[2] == "always"}
    rng = random.Random(4)
    unnamed = rng.sample([row[0] for row in rows if row[2] == "unnamed"], 12)
    others = rng.sample(sorted(set(CONFIG_MAPPING_NAMES) - {row[0] for row in rows}), 12)
    original = json.loads((ours / "tokenizer.json").read_text())
    config = json.loads((ours / "tokenizer_config.json").read_text())
    parts = ["normalizer", "pre_tokenizer", "decoder"]
    same = lambda tokenizer: all(json.loads(tokenizer.backend_tokenizer.to_str())[part] == original[part] for part in parts)  # noqa: E731
    tried = 0
    for model_type, named in [*((name, True) for name in [*always, *unnamed, *others, "llama", "gpt2"]), *((name, False) for name in [*unnamed, *others])]:
        directory = scratch / "model"
        shutil.rmtree(directory, ignore_errors=True)
        for place in [directory, directory / "tokenizer"]:
            place.mkdir()
            shutil.copy(ours / "tokenizer.json", place)
            (place / "tokenizer_config.json").write_text(json.dumps({key: value for key, value in config.items() if named or key != "tokenizer_class"}))
        (directory / "config.json").write_text(json.dumps({"model_type": model_type}))
        found = any(finding["code"] == "model_type" for finding in check(seimai, directory)["findings"])
        try:
            exchanged = not same(transformers.AutoTokenizer.from_pretrained(str(directory)))
        except ImportError:
            continue  # The class needs a package that is not installed here.
        except Exception as error:
            if "Class validation" in str(error):
                continue  # A model of a family, which needs more in its config.json.
            exchanged = True
        tried += 1
        demand(found == exchanged, f"{model_type}{'' if named else ', no class named'}: found {found}, exchanged {exchanged}")
        if found and named:
            for load in [
                lambda: transformers.AutoTokenizer.from_pretrained(str(directory), subfolder="tokenizer"),
                lambda: transformers.PreTrainedTokenizerFast.from_pretrained(str(directory)),
            ]:
                demand(same(load()), f"{model_type}: the remedy does not help")
    demand(tried > 30, f"{tried} model types could be tried")
    print(f"model types: {tried} tried with transformers {transformers.__version__}; found are those that exchange the pre-tokenizer")


def main(arguments):
    if len(arguments) != 3:
        sys.exit("usage: python tokenizer_check.py SEIMAI RUN_DIR")
    transformers.logging.set_verbosity_error()
    seimai, ours = arguments[1], Path(arguments[2]) / "tokenizer"
    table = (Path(__file__).parent / "../../dicts/readers/transformers.tsv").read_text()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        check_digest(seimai, ours, scratch)
        check_model_types(seimai, ours, table, scratch)


if __name__ == "__main__":
    main(sys.argv)
