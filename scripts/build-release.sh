#!/usr/bin/env bash
# Builds the program without the names of the directories that checkout, registry and target lie in, so that its bytes can depend on the
# sources, the compiler and the target alone. scripts/reproducible_build.sh compares two such builds.
#
#   scripts/build-release.sh [cargo build options]      target/release/seimai
set -euo pipefail
cd "$(dirname "$0")/.."
here=$(pwd -P)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
out=${CARGO_TARGET_DIR:-$here/target}
sysroot=$(rustc --print sysroot)
# Debug information and panic messages name files; C sources of crates do so, too.
rust=() c=()
for pair in "$out=target" "$here=." "$cargo_home=cargo" "$sysroot=rust"; do
  rust+=("--remap-path-prefix=$pair")
  c+=("-ffile-prefix-map=$pair")
done
export CARGO_ENCODED_RUSTFLAGS CFLAGS CXXFLAGS
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${rust[*]}")
CFLAGS="${CFLAGS:-} ${c[*]}"
CXXFLAGS=$CFLAGS
# Incremental builds divide crates by what was built before; times in archives are those of the build.
export CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} ZERO_AR_DATE=1
exec cargo build --release --locked --bin seimai "$@"
