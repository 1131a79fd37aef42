#!/usr/bin/env bash
# The documentation as pages for a browser, in target/site/ (or $CARGO_TARGET_DIR/site): what stands in the repository, and a reference made
# from the program (commands, plan keys, exit codes). Opens from disk, loads nothing from a network. Links are checked: one that leads nowhere
# is exit code 1.
#
#   scripts/build-site.sh [--seimai FILE]        default: target/release/seimai
#
# Zensical (MIT) comes through pip into an environment of its own, 60 MB, and what searching from disk needs through npm (5 kB).
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
seimai=$target/release/seimai
if [ "${1:-}" = --seimai ]; then seimai=$2; fi
[ -x "$seimai" ] || { echo "error: $seimai: not there; cargo build --release makes it" >&2; exit 2; }
tools=$target/site-tools
[ -x "$tools/bin/zensical" ] || python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check zensical==0.0.73
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
python3 scripts/site/stage.py --seimai "$seimai" "$stage"
zensical=$(realpath -s "$tools/bin/zensical")
(cd "$stage" && "$zensical" build --clean >"$stage/log" 2>&1) || { cat "$stage/log" >&2; exit 1; }
mkdir -p "$target/site"
find "$target/site" -mindepth 1 -delete
cp -R "$stage/site/." "$target/site/"
# Zensical lets every page load a small script from elsewhere, without which a browser cannot search from disk: its package (MIT) is put beside it.
shim=
if command -v npm >/dev/null && (cd "$stage" && npm pack --silent iframe-worker@1.0.4 >/dev/null && tar -xzf iframe-worker-1.0.4.tgz package/shim/index.js); then
  shim=$stage/package/shim/index.js
else
  echo "skipped: searching from disk needs npm; it works where the pages are served" >&2
fi
python3 scripts/site/own.py "$target/site" ${shim:+"$shim"}
python3 scripts/site/links.py "$target/site"
echo "made: $target/site/index.html"
