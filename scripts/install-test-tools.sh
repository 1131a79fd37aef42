#!/usr/bin/env bash
# Installs what the tests compare Seimai with: MeCab, IPADIC and strace from Debian's packages (as root), and a Python environment
# with tests/python/requirements.txt in target/test-tools/, where ./scripts/test.sh looks for it; Chromium from Debian, and in
# target/browser-tools/ what drives it. What is there already stays.
# The tests do without all of it, and say which of them were skipped; where CI is set a skipped test fails, so CI runs this first.
#
#   scripts/install-test-tools.sh [cloud]
#
# `cloud` installs, and nothing else, the S3 server of tests/cloud/cloud.sh: s3s-fs from the registry of Rust crates, in target/cloud-tools/ (minutes).
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = cloud ]; then
  root=$(realpath -m "${CARGO_TARGET_DIR:-target}/cloud-tools")
  # Built beside what it is for, and not with it: its features are its own.
  CARGO_TARGET_DIR=$root/build cargo install --locked s3s-fs@0.14.1 --features binary --root "$root"
  rm -rf "$root/build"
  exit
fi
tools=${CARGO_TARGET_DIR:-target}/test-tools
failed=0

say() { printf '\n== %s\n' "$1"; }
apt() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null; }

say "MeCab"
# The indexer and the source of IPADIC are compared with too, not only the program.
if command -v mecab && [ -x /usr/lib/mecab/mecab-dict-index ] && [ -f /usr/share/mecab/dic/ipadic/Noun.csv ] && mecab -D | grep -qi 'utf-\?8'; then
  echo "installed already"
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && apt mecab mecab-utils mecab-ipadic mecab-ipadic-utf8; } || failed=1
else
  echo "not installed: needs apt-get and root; or bring mecab with a UTF-8 IPADIC yourself"
  failed=1
fi

say "strace"
if command -v strace; then
  echo "installed already"
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && apt strace; } || failed=1
else
  echo "not installed: needs apt-get and root"
  failed=1
fi

say "Python environment: $tools"
if ! [ -x "$tools/bin/python" ]; then
  mkdir -p "$(dirname "$tools")"
  # Debian keeps venv in a package of its own.
  python3 -m venv "$tools" ||
    { command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && apt-get update -qq && apt python3-venv && python3 -m venv --clear "$tools"; } ||
    failed=1
fi
if [ -x "$tools/bin/python" ]; then
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt || failed=1
  # Of Megatron one file is used, which needs none of the package's dependencies.
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps megatron-core==0.16.1 || failed=1
  # Of these the notebook reads the tokenizers that they ship.
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps anthropic==0.38.0 dashscope==2.0.2 mistral-common==1.13.1 || failed=1
fi

say "Browser: ${CARGO_TARGET_DIR:-target}/browser-tools"
# Chromium and what drives it, for tests/browser/. A browser is not to be had everywhere: without it that test is skipped, and says so.
if command -v chromium; then
  echo "installed already"
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && apt --no-install-recommends chromium; } || echo "not installed"
else
  echo "not installed: needs apt-get and root"
fi
if command -v chromium >/dev/null && command -v npm >/dev/null; then
  mkdir -p "${CARGO_TARGET_DIR:-target}/browser-tools"
  cp tests/browser/package.json "${CARGO_TARGET_DIR:-target}/browser-tools/"
  npm install --prefix "${CARGO_TARGET_DIR:-target}/browser-tools" --silent --no-audit --no-fund --ignore-scripts || echo "not installed"
else
  echo "not installed: the packages of tests/browser/package.json need npm and Chromium"
fi

[ "$failed" = 0 ] || { echo "error: not everything could be installed"; exit 1; }
