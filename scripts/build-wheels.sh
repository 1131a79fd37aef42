#!/usr/bin/env bash
# Wheels and the source distribution of the Python package, in target/wheels/ (or $CARGO_TARGET_DIR/wheels):
#   ./scripts/build-wheels.sh [x86_64] [aarch64] [sdist]        default: x86_64 sdist
# x86_64: manylinux_2_28, linked by zig, so that the wheel asks for no newer glibc than that of RHEL 8. aarch64: cross-built the same way;
# its standard library comes with `rustup target add aarch64-unknown-linux-gnu`, or is built from the source that Debian has
# (apt-get install rustc-web cargo-web rust-web-src, and PATH=/usr/bin:$PATH). Needs a Rust toolchain and Python; maturin and ziglang
# (400 MB) go into an environment of their own beside the wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
[[ $target = /* ]] || target=$PWD/$target
wheels=$target/wheels
tools=$target/wheel-tools
[ $# -gt 0 ] || set -- x86_64 sdist

say() { printf '\n== %s\n' "$1"; }

if ! [ -x "$tools/bin/maturin" ] || ! "$tools/bin/python" -m ziglang version >/dev/null 2>&1; then
  say "Tools: $tools"
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check maturin==1.16.0 ziglang==0.17.1
fi
export PATH=$tools/bin:$PATH

# Arguments that build the standard library of a target, where there is none but its source.
standard_library() {
  if [ -d "$(rustc --print target-libdir --target "$1")" ]; then return; fi
  if ! [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    echo "error: no standard library for $1: rustup target add $1" >&2
    exit 2
  fi
  echo "-Z build-std=std,panic_unwind"
}

for what in "$@"; do
  say "$what"
  case $what in
  x86_64 | aarch64)
    library=$(standard_library "$what-unknown-linux-gnu")
    if [ -n "$library" ]; then export RUSTC_BOOTSTRAP=1; fi
    # Debug information would be four fifths of the wheel.
    CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols \
      maturin build --manifest-path python/Cargo.toml --release --locked --zig --compatibility manylinux_2_28 \
      --target "$what-unknown-linux-gnu" --out "$wheels" $library
    ;;
  sdist) maturin sdist --manifest-path python/Cargo.toml --out "$wheels" ;;
  *)
    echo "error: $what is none of x86_64, aarch64, sdist"
    exit 2
    ;;
  esac
done

say "Done"
ls -l "$wheels"
