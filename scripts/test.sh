#!/usr/bin/env bash
# Everything that must hold before a change lands: format, lints, documentation, tests, and the outputs read back by other
# people's programs (pyarrow, DuckDB, Polars, tokenizers, numpy). Tests that need the shared corpora (../shared, or
# $SEIMAI_SHARED) say so and skip where they are absent.
set -euo pipefail
cd "$(dirname "$0")/.."
export SEIMAI_IN_TEST_SCRIPT=1
target=${CARGO_TARGET_DIR:-target}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '\n== %s\n' "$1"; }

say "Format"
cargo fmt --all -- --check

say "Lints"
cargo clippy --all-targets --locked -- -D warnings

say "Build (release)"
cargo build --release --locked

say "Dictionary"
"$target/release/seimai" dictionary fetch ipadic
# The reference for segmentation and keigo, where the machine can have it.
if ! command -v mecab >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mecab mecab-utils mecab-ipadic mecab-ipadic-utf8; } >"$scratch/apt.log" 2>&1 ||
    echo "skipped: MeCab could not be installed; comparisons with it are left out"
fi

# Compiled UniDic, the second dictionary of those comparisons.
python=
if command -v python3 >/dev/null && python3 -m venv "$scratch/venv" >/dev/null 2>&1 &&
  "$scratch/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/python/requirements.txt; then
  python=$scratch/venv/bin/python
  SEIMAI_TEST_UNIDIC=$("$python" -c 'import unidic_lite; print(unidic_lite.DICDIR)')
  export SEIMAI_TEST_UNIDIC
elif [ -n "${CI:-}" ]; then
  echo "error: the packages of tests/python/requirements.txt could not be installed"; exit 1
fi

say "Tests"
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --release --locked --no-fail-fast
else
  cargo test --release --locked --lib --bins --tests
fi
cargo test --release --locked --doc

say "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet

say "Read back with other programs"
"$target/release/seimai" run examples/samples.toml --out "$scratch/out" --progress none
if [ -n "$python" ]; then
  "$python" tests/python/read_back.py "$scratch/out"
else
  echo "skipped: reading back needs Python 3 with the packages of tests/python/requirements.txt"
fi

say "All checks passed"
