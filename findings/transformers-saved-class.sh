#!/usr/bin/env bash
# Whether transformers 4 loads a tokenizer that transformers 5 has saved.
#
# Expected: tokenizer.json is the same format in both, and a class of the file that was PreTrainedTokenizerFast stays so; the older library loads it.
# Seen: 5.24.0 writes tokenizer_class = "TokenizersBackend" into tokenizer_config.json, and AutoTokenizer of 4.57.6 refuses that name. With the old name put back it loads, and the
# ids are the same. Found because a vocabulary that had gone through a newer machine could not be loaded on the training cluster.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for version in 5.24.0 4.57.6; do
  python3 -m venv "$scratch/$version"
  "$scratch/$version/bin/pip" install --quiet --disable-pip-version-check "transformers==$version"
done
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
"$scratch/5.24.0/bin/python" - "$scratch/saved" <<'PY'
import json
import sys
from importlib.metadata import version

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
tokenizer.train_from_iterator(["精米した米を炊く。"] * 10, trainer)
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(sys.argv[1])
told = json.load(open(sys.argv[1] + "/tokenizer_config.json"))["tokenizer_class"]
print("transformers", version("transformers"), "saves tokenizer_class", told)
json.dump(tokenizer.encode("精米した米を炊く。").ids, open(sys.argv[1] + "/ids.json", "w"))
assert told == "TokenizersBackend", told
PY
"$scratch/4.57.6/bin/python" - "$scratch/saved" <<'PY'
import json
import sys
from importlib.metadata import version

from transformers import AutoTokenizer

folder = sys.argv[1]
try:
    AutoTokenizer.from_pretrained(folder)
    seen = "loads it"
except ValueError as error:
    seen = f"refuses it: {error}"
print("transformers", version("transformers"), seen[:100])
assert "TokenizersBackend" in seen, seen
config = json.load(open(folder + "/tokenizer_config.json"))
json.dump({**config, "tokenizer_class": "PreTrainedTokenizerFast"}, open(folder + "/tokenizer_config.json", "w"))
ids = AutoTokenizer.from_pretrained(folder)("精米した米を炊く。")["input_ids"]
print("with PreTrainedTokenizerFast the ids are the same:", ids == json.load(open(folder + "/ids.json")))
assert ids == json.load(open(folder + "/ids.json"))
PY
