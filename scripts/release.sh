#!/usr/bin/env bash
# Makes everything that a release consists of, in one directory:
#
#   seimai-V-TRIPLE.tar.gz     the program, completions, manual, licences: for any place, and for `cargo binstall`
#   seimai-V-cp311-abi3-….whl  the Python package with the program inside: `pip install` gives `import seimai` and the command
#   seimai_V-1_ARCH.deb        a Debian package
#   seimai-V.tar.gz            the source distribution of the Python package
#   seimai.cdx.json, seimai-python.cdx.json     bills of materials (CycloneDX)
#   SHA256SUMS
#
#   scripts/release.sh OUTDIR [--glibc 2.28|host] [--target TRIPLE --runs-here SEIMAI] [--seimai FILE --python-lib FILE]
#
# OUTDIR must not be there; it appears once all of it is whole. The bytes depend on the commit, the compiler and the tools below alone (their time:
# SOURCE_DATE_EPOCH, else that of the commit). scripts/try_release.sh tries it all.
#
#   --glibc       the oldest glibc that the files shall run with; they are linked by zig for it. `host`: by the linker of this machine, for its glibc
#   --target      another processor, e.g. aarch64-unknown-linux-gnu; completions and manual come from SEIMAI, a program of the same version for this one
#   --seimai, --python-lib   the program and lib_core.so as they were built already: nothing is compiled
#
# Needs a Rust toolchain, Python 3.11 or later, binutils and, for dependencies of the Debian package, dpkg-dev. cargo-deb comes through cargo, and
# cyclonedx-python-lib, maturin and (400 MB, where something is linked by it) ziglang through pip, all into target/release-tools/.
set -euo pipefail
asked=$(pwd -P)
cd "$(dirname "$0")/.."
fail() { echo "error: $1" >&2; exit 2; }
say() { printf '\n== %s\n' "$1"; }
whole() { case $1 in /*) echo "$1" ;; *) echo "$asked/$1" ;; esac; }

out='' glibc=2.28 target='' runs_here='' seimai='' library=''
while [ $# -gt 0 ]; do
  case $1 in
    --glibc) glibc=${2:?}; shift ;;
    --target) target=${2:?}; shift ;;
    --runs-here) runs_here=$(whole "${2:?}"); shift ;;
    --seimai) seimai=$(whole "${2:?}"); shift ;;
    --python-lib) library=$(whole "${2:?}"); shift ;;
    -h | --help) sed -n '2,26s/^# \{0,1\}//p' "$0"; exit ;;
    -*) fail "no option $1" ;;
    *) [ -z "$out" ] || fail "one directory, not $out and $1"; out=$(whole "$1") ;;
  esac
  shift
done
[ -n "$out" ] || fail "scripts/release.sh OUTDIR"
[ ! -e "$out" ] || fail "$out is there already; a release goes into a directory of its own"
[ "${seimai:+given}" = "${library:+given}" ] || fail "--seimai and --python-lib go together"
host=$(rustc --print host-tuple)
target=${target:-$host}
[ "$target" = "$host" ] || [ -n "$runs_here" ] || fail "$target is not this machine: --runs-here names a program of the same version that is for it"
version=$(cargo pkgid | sed 's/.*[#@]//')
if [ -z "$seimai" ] && [ -n "$(git status --porcelain)" ]; then fail "the checkout has changes; what is released is a commit"; fi
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

built=${CARGO_TARGET_DIR:-$PWD/target}
[[ $built = /* ]] || built=$PWD/$built
tools=$built/release-tools
mkdir -p "$(dirname "$out")" "$tools"
made=$(mktemp -d "$out.unfinished.XXXXXX")
stage=$(mktemp -d)
trap 'rm -rf "$made" "$stage"' EXIT

say "Tools: $tools"
export PATH=$tools/bin:$PATH
[ -x "$tools/bin/python" ] || python3 -m venv "$tools"
pip() { "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip "$(grep '^cyclonedx-python-lib' tests/python/requirements.txt)" maturin==1.16.0
if [ -z "$seimai" ] && [ "$glibc" != host ]; then pip ziglang==0.17.1 cargo-zigbuild==0.24.0; fi
if [ "$(cargo-deb --version 2>/dev/null)" != "cargo-deb 3.8.0" ]; then
  CARGO_TARGET_DIR=$tools/build cargo install --quiet --locked --no-default-features --root "$tools" cargo-deb@3.8.0
  rm -rf "$tools/build"
fi

if [ -z "$seimai" ]; then
  say "Build: $target, glibc $glibc"
  if [ "$glibc" = host ]; then options=(); else options=(--glibc "$glibc"); fi
  options+=(--target "$target")
  CARGO_TARGET_DIR=$built ./scripts/build-release.sh "${options[@]}"
  seimai=$built/$target/release/seimai library=$built/$target/release/lib_core.so
fi

say "What goes into the packages"
# The layout of a target directory is what cargo deb looks for.
release=$stage/target/release
package=$release/package
mkdir -p "$package/completions" "$package/debian"
case $target in
  "$host") strip=strip ;;
  *) strip=${STRIP:-${target%%-*}-linux-gnu-strip} ;;
esac
# Names of functions would be a fifth of everything.
"$strip" --strip-all -o "$release/seimai" "$seimai"
"$strip" --strip-unneeded -o "$release/lib_core.so" "$library"
chmod 755 "$release/seimai" "$release/lib_core.so"
speaks=${runs_here:-$release/seimai}
[ "$("$speaks" --version)" = "seimai $version" ] || fail "$speaks says $("$speaks" --version), Cargo.toml $version"
"$speaks" completions bash >"$package/completions/seimai.bash"
"$speaks" completions zsh >"$package/completions/_seimai"
"$speaks" completions fish >"$package/completions/seimai.fish"
"$speaks" man "$package/man/man1" --quiet
sbom() { "$tools/bin/python" scripts/sbom.py --target "$target" "$@"; }
sbom -o "$package/seimai.cdx.json" --notices "$package/THIRD-PARTY-NOTICES"
mkdir "$stage/python"
sbom --package seimai-python -o "$stage/python/seimai-python.cdx.json" --notices "$stage/python/THIRD-PARTY-NOTICES"
cp "$package/seimai.cdx.json" "$stage/python/seimai-python.cdx.json" "$made"

say "Archive"
name=seimai-$version-$target
mkdir "$stage/$name"
cp "$release/seimai" LICENSE-MIT LICENSE-APACHE NOTICE README.md README.ja.md CHANGELOG.md "$stage/$name"
cp -R "$package/THIRD-PARTY-NOTICES" "$package/seimai.cdx.json" "$package/completions" "$package/man" "$stage/$name"
"$tools/bin/python" scripts/release/tarball.py "$stage/$name" -o "$made/$name.tar.gz"
"$tools/bin/python" scripts/release/binstall.py --target "$target" --check "$made"

say "Wheel"
wheel=$("$tools/bin/python" scripts/release/wheel.py --seimai "$release/seimai" --python-lib "$release/lib_core.so" -o "$made" \
  --sbom "$package/seimai.cdx.json" --sbom "$stage/python/seimai-python.cdx.json" --licence "$stage/python/THIRD-PARTY-NOTICES")
echo "$wheel"

say "Debian package"
# Changes in the form that Debian reads lead to the changelog of the project.
{
  printf 'seimai (%s-1) unstable; urgency=medium\n\n  * Release %s. What changed: changelog.gz in this directory.\n\n' "$version" "$version"
  printf ' -- %s  %s\n' "$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)" "$(date -R -d "@$SOURCE_DATE_EPOCH")"
} >"$package/debian/changelog.Debian"
cp CHANGELOG.md "$package/debian/changelog"
gzip -9n "$package/debian/"* "$package/man/man1/"*
gzip -9nk "$package/THIRD-PARTY-NOTICES"
# The name of the wheel says what was found in the files.
least=${wheel##*manylinux_2_}
if [ "${least%%_*}" -le 28 ]; then variant=(--variant portable); else variant=(); fi
CARGO_TARGET_DIR=$stage/target cargo deb ${variant[@]+"${variant[@]}"} --quiet --no-build --no-strip --locked --offline -p seimai -o "$stage/deb/" >/dev/null
mv "$stage/deb/"*.deb "$made"

say "Source distribution"
CARGO_TARGET_DIR=$stage/target maturin sdist --manifest-path python/Cargo.toml --out "$made" 2>"$stage/log" || { cat "$stage/log" >&2; exit 1; }

(cd "$made" && sha256sum -- * >"$stage/SHA256SUMS" && mv "$stage/SHA256SUMS" .)
chmod 755 "$made"
sync -f "$made"
mv -T "$made" "$out"
say "Done"
ls -l "$out"
