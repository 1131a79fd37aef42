#!/usr/bin/env bash
# Everything that must hold before a change lands: format, lints, documentation, tests, and the outputs read back by other
# people's programs (pyarrow, DuckDB, Polars, tokenizers, numpy). Installs nothing but the dictionary of the product;
# ./scripts/install-test-tools.sh brings MeCab and the Python packages. Tests that need those or the shared corpora (../shared,
# or $SEIMAI_SHARED) say so and are skipped where they are absent; where CI is set, a skipped test fails unless
# tests/it/may_skip.txt names it.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# One selection of crates everywhere, so that nothing is compiled twice: the binding asks for more features of what both depend on.
# It is built for no Python in particular (abi3), and needs none for building.
export PYO3_BUILD_EXTENSION_MODULE=1 PYO3_NO_PYTHON=1

say() { printf '\n== %s\n' "$1"; }

say "Format"
cargo fmt --all -- --check

say "Lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "The library without the command line"
cargo clippy --no-default-features --lib --locked -- -D warnings

say "What the library depends on"
# anyhow comes with lindera in any case: of that one only our own dependency counts.
tree() { cargo tree --no-default-features --edges normal --locked --prefix none "$@"; }
tree >"$scratch/tree"
tree --depth 1 | sed 's/^anyhow /our-own-anyhow /' >>"$scratch/tree"
if grep -E '^(clap|indicatif|signal-hook|our-own-anyhow)[^ ]* ' "$scratch/tree"; then
  echo "error: the library depends on what only the command line needs"
  exit 1
fi

say "Build (release)"
cargo build --workspace --release --locked

say "Dictionary"
"$target/release/seimai" dictionary fetch ipadic

say "Tests"
python=$target/test-tools/bin/python
if [ -x "$python" ]; then
  # Compiled UniDic, the second dictionary of the comparisons with MeCab.
  SEIMAI_TEST_UNIDIC=$("$python" -c 'import unidic_lite; print(unidic_lite.DICDIR)')
  export SEIMAI_TEST_UNIDIC SEIMAI_UNIDIC=$SEIMAI_TEST_UNIDIC
fi
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --release --locked --no-fail-fast
else
  cargo test --workspace --release --locked --lib --bins --tests
fi
cargo test --workspace --release --locked --doc

say "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet

say "Read back with other programs"
"$target/release/seimai" run examples/samples.toml --out "$scratch/out" --progress none
if [ -x "$python" ]; then
  "$python" tests/python/read_back.py "$scratch/out"
  # The normaliser inside a tokenizer.json against `seimai normalize`: a part of Unicode, and texts.
  "$target/release/seimai" run examples/samples.toml --out "$scratch/normaliser" --set tokenizer.normalizer=seimai --progress none
  "$python" tests/python/normalizer.py "$target/release/seimai" "$scratch/normaliser/tokenizer/tokenizer.json" --every 17 corpora-samples/*.jsonl
  "$python" tests/python/read_pack.py "$scratch/out"
  "$python" tests/python/load_dataset.py "$scratch/out"
  "$python" tests/python/export_vocabulary.py "$target/release/seimai" "$scratch/out"
  "$python" tests/python/special_tokens.py "$target/release/seimai" corpora-samples/prose.jsonl corpora-samples/dialogue.jsonl
  "$python" tests/python/readers.py "$target/release/seimai" corpora-samples/prose.jsonl corpora-samples/dialogue.jsonl
  "$python" tests/python/tokenizer_check.py "$target/release/seimai" "$scratch/out"
  "$target/release/seimai" run examples/samples.toml --out "$scratch/no-pattern" --set tokenizer.pattern=none --progress none
  "$python" tests/python/export_sentencepiece.py "$target/release/seimai" "$scratch/no-pattern"
  "$python" tests/python/passport.py "$target/release/seimai" "$scratch/out"
  "$python" tests/python/export_megatron.py "$target/release/seimai" "$scratch/out"
  # Ids over the whole corpus against Hugging Face's library.
  "$python" tests/python/encode_parity.py "$target/release/seimai" "${SEIMAI_SHARED:-../shared}/data/corpus"
  # Merge lists and patterns against Hugging Face's library.
  cargo build --workspace --release --locked --example bpe_parity
  "$python" tests/python/bpe_parity.py "$target/release/examples/bpe_parity" --seimai "$target/release/seimai" corpora-samples/*.jsonl
else
  echo "skipped: reading back needs the Python packages of ./scripts/install-test-tools.sh"
  [ -z "${CI:-}" ] || exit 1
fi

say "Reports in a browser"
./tests/browser/report.sh "$target/release/seimai"

say "What can be relied on, in short (./scripts/trust.sh tells all of it)"
if [ -x "$python" ] && command -v strace >/dev/null; then
  ./scripts/trust.sh --short --out "$scratch/trust"
else
  echo "skipped: needs strace and the Python packages of ./scripts/install-test-tools.sh"
  [ -z "${CI:-}" ] || exit 1
fi

say "The Python package"
if [ -x "$python" ]; then
  # Built with the program, above; the tests read the package where it lies.
  cp "$target/release/lib_core.so" python/seimai/_core.abi3.so
  PYTHONPATH=$PWD/python "$python" -m pytest -q python/tests
  PYTHONPATH=$PWD/python "$python" tests/python/notebook.py
else
  echo "skipped: the tests of the Python package need the packages of ./scripts/install-test-tools.sh"
  [ -z "${CI:-}" ] || exit 1
fi

say "All checks passed"
