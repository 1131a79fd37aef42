#!/usr/bin/env bash
# Builds the program and the library of the Python package without the names of the directories that checkout, registry and target lie in, so
# that their bytes can depend on the sources, the compiler and the target alone. scripts/reproducible_build.sh compares two such builds.
#
#   scripts/build-release.sh [cargo build options]
#   scripts/build-release.sh --glibc 2.28 [--target TRIPLE] [cargo build options]
#
# It makes target/release/seimai and lib_core.so, with a target target/TRIPLE/release/. With --glibc they are linked by zig, and ask for no newer
# glibc than that: cargo-zigbuild and ziglang have to be on the PATH and in `python3` (scripts/release.sh brings both). The standard library of
# another processor comes with `rustup target add`, or is built from the source that Debian has (apt-get install rustc-web cargo-web rust-web-src,
# and PATH=/usr/bin:$PATH).
set -euo pipefail
cd "$(dirname "$0")/.."
here=$(pwd -P)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
out=${CARGO_TARGET_DIR:-$here/target}
sysroot=$(rustc --print sysroot)
glibc=
if [ "${1:-}" = --glibc ]; then
  glibc=$2
  shift 2
fi
target=
if [ "${1:-}" = --target ]; then
  target=$2
  shift 2
fi
if [ -n "$glibc" ] && [ -z "$target" ]; then target=$(rustc --print host-tuple); fi
build=(build)
if [ -n "$glibc" ]; then
  build=(zigbuild --target "$target.$glibc")
elif [ -n "$target" ]; then
  build=(build --target "$target")
fi
if [ -n "$target" ] && ! [ -d "$(rustc --print target-libdir --target "$target")" ]; then
  [ -d "$sysroot/lib/rustlib/src/rust/library" ] || { echo "error: no standard library for $target: rustup target add $target" >&2; exit 2; }
  export RUSTC_BOOTSTRAP=1
  build+=(-Z build-std=std,panic_unwind)
fi
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
# The extension is for no Python in particular (abi3), and needs none for being built.
export PYO3_BUILD_EXTENSION_MODULE=1 PYO3_NO_PYTHON=1
exec cargo "${build[@]}" --workspace --release --locked "$@"
