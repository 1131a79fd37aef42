#!/usr/bin/env bash
# From a fresh clone to token shards and a pack: build, fetch the dictionary, run on corpora-samples/, look at it from Python.
#   ./scripts/quickstart.sh [OUT]        OUT: output directory (default: out), from where you are
set -euo pipefail
out=${1:-out}
[[ $out = /* ]] || out=$PWD/$out
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$1"; }

say "Build (release)"
# The program, and the extension of the Python package, which needs no Python for being built.
PYO3_BUILD_EXTENSION_MODULE=1 PYO3_NO_PYTHON=1 cargo build --workspace --release --locked
seimai=${CARGO_TARGET_DIR:-target}/release/seimai

say "Dictionary: IPADIC, checked by sha256, compiled once"
"$seimai" dictionary fetch ipadic

say "Run on corpora-samples/"
"$seimai" run examples/samples.toml --out "$out"

say "Check it"
"$seimai" verify "$out"

say "The same run from Python"
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  cp "${CARGO_TARGET_DIR:-target}/release/lib_core.so" python/seimai/_core.abi3.so
  PYTHONPATH=$PWD/python python3 examples/look_at_a_run.py "$out"
else
  echo "skipped: needs Python 3.11 or later"
fi

cat <<TXT

Where to look
  $out/documents/   kept documents with register, keigo counts and quality measures (Parquet)
  $out/rejected/    what was dropped: stage, rule, evidence, and of what it is a duplicate
  $out/tokenizer/   tokenizer.json for Hugging Face, merges with counts
  $out/tokens/      input_ids, row for row the documents
  $out/pack/        packed sequences for memory mapping (docs/formats/pack.md)

Next
  $seimai inspect $out ID            the life of a document
  $seimai decode $out/tokens         back to text
  $seimai init > plan.toml           a plan for your own corpora
  docs/python.md                     import seimai
TXT
