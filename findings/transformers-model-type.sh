#!/usr/bin/env bash
# What AutoTokenizer makes of a tokenizer.json when a config.json in the same directory names another family of models.
#
# Expected: tokenizer.json names its own pre-tokenizer, and tokenizer_config.json the class PreTrainedTokenizerFast, so ids are those of the file, whatever model it is used for.
# Seen: with {"model_type": "qwen2"} beside it, transformers 5.24.0 exchanges the pre-tokenizer for that of its Qwen2Tokenizer, without a word: digits that the file keeps in groups of three
# come one by one, kana and the brackets before them in one piece. With "llama" the file is taken as it is. Found because ids of a corpus and of the model trained on it differed.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
HF_HUB_OFFLINE=1 "$scratch/venv/bin/python" - "$scratch" <<'PY'
import json
import os
import sys
from importlib.metadata import version

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

TEXT = "価格は12345円（税込）です。"
print("transformers", version("transformers"), "tokenizers", version("tokenizers"))
tokenizer = Tokenizer(models.BPE())
split = pre_tokenizers.Split(Regex(r"\p{N}{1,3}|\p{L}+|[^\p{L}\p{N}]"), "isolated")
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
tokenizer.decoder = decoders.ByteLevel()
tokenizer.train_from_iterator([TEXT] * 10, trainers.BpeTrainer(vocab_size=400, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
own = tokenizer.encode(TEXT).ids

seen = {}
for model_type in (None, "llama", "qwen2"):
    folder = os.path.join(sys.argv[1], str(model_type))
    os.mkdir(folder)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as out:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"}, out)
    if model_type:
        with open(os.path.join(folder, "config.json"), "w") as out:
            json.dump({"model_type": model_type}, out)
    loaded = AutoTokenizer.from_pretrained(folder)
    ids = loaded(TEXT, add_special_tokens=False)["input_ids"]
    pieces = [piece for piece, _ in loaded.backend_tokenizer.pre_tokenizer.pre_tokenize_str("12345")]
    seen[model_type] = (ids == own, pieces)
    print(f"config.json: {model_type}: ids as in tokenizer.json: {ids == own}, {type(loaded).__name__}, digits {pieces}")
assert seen[None] == seen["llama"] == (True, ["123", "45"]), seen
assert seen["qwen2"] == (False, ["1", "2", "3", "4", "5"]), seen
PY
