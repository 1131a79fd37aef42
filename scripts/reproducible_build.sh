#!/usr/bin/env bash
# Builds the committed sources twice, in two places of different names and with two target directories, and compares the programs, and the
# libraries of the Python package, byte for byte. Takes twice as long as a release build.
#
#   scripts/reproducible_build.sh [COMMIT]
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse "${1:-HEAD}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sums=()
for place in "one" "another-place/二つ目"; do
  mkdir -p "$scratch/$place"
  git archive "$commit" | tar -x -C "$scratch/$place"
  (cd "$scratch/$place" && env -u RUSTFLAGS CARGO_TARGET_DIR="$scratch/$place/built" ./scripts/build-release.sh)
  sums+=("$(sha256sum <"$scratch/$place/built/release/seimai" | cut -d' ' -f1)")
  # Two target directories at once would need twice the disk.
  for file in seimai lib_core.so; do mv "$scratch/$place/built/release/$file" "$scratch/$file.${#sums[@]}"; done
  rm -rf "${scratch:?}/$place"
done
printf '%s  seimai, %s, %s\n' "${sums[0]}" "$commit" "$(rustc --version)"
for file in seimai lib_core.so; do
  cmp "$scratch/$file.1" "$scratch/$file.2" || { echo "error: two builds of $commit differ in $file"; exit 1; }
done
