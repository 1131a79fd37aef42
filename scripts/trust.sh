#!/usr/bin/env bash
# The standing proof of docs/guide/trust.md: hostile files, kills, a fault at every system call, changed dictionaries, ceilings of memory,
# growth, licences; and, asked for by name, two builds compared. Each step says on one line how it ended; the records lie in OUT.
#
#   scripts/trust.sh [--short] [--seimai FILE] [--out DIR] [STEP…]
#
# Steps: hostile kills faults flips ceilings growth licences build. Without any, all but `build`. `--short` (CI) takes a few points of each,
# and leaves out what the tests have, or what takes longer than minutes. The program is target/release/seimai; the dictionary ipadic must be
# installed. Whole: some two hours on two cores.
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
seimai=$target/release/seimai
out=$target/trust
short=
steps=()
while [ $# -gt 0 ]; do
  case $1 in
    --short) short=yes ;;
    --seimai) seimai=$2; shift ;;
    --out) out=$2; shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit ;;
    -*) echo "error: no option $1" >&2; exit 2 ;;
    *) steps+=("$1") ;;
  esac
  shift
done
[ -x "$seimai" ] || { echo "error: $seimai: not there; cargo build --release makes it" >&2; exit 2; }
if [ ${#steps[@]} = 0 ]; then
  steps=(hostile kills faults flips ceilings growth licences)
  [ -z "$short" ] || steps=(kills faults flips ceilings licences)
fi
python=$target/test-tools/bin/python
[ -x "$python" ] || python=python3
mkdir -p "$out"
failed=()

few() { if [ -n "$short" ]; then echo "$1"; else echo "$2"; fi; }

step() {
  local name=$1 start=$SECONDS
  shift
  if "$@" >"$out/$name.log" 2>&1; then
    printf '%-9s held     %4d s  %s\n' "$name" $((SECONDS - start)) "$(tail -1 "$out/$name.log" | cut -c1-150)"
  else
    printf '%-9s FAILED   %4d s  see %s\n' "$name" $((SECONDS - start)) "$out/$name.log"
    tail -5 "$out/$name.log"
    failed+=("$name")
  fi
}

kills() {
  for signal in KILL TERM INT; do
    python3 scripts/kill_and_resume.py --seimai "$seimai" --signal "$signal" --trials "$(few 4 $([ $signal = KILL ] && echo 200 || echo 40))" \
      --report "$out/kills-$signal.json" || return 1
  done
}

for name in "${steps[@]}"; do
  case $name in
    hostile) step hostile cargo test --release --locked --test it hostile:: -- --nocapture ;;
    kills) step kills kills ;;
    faults) step faults python3 scripts/faults.py --seimai "$seimai" --points "$(few 2 60)" --report "$out/faults.json" ;;
    flips) step flips python3 scripts/flip_dictionary.py --seimai "$seimai" --trials "$(few 10 500)" --report "$out/flips.json" ;;
    ceilings) step ceilings python3 benches/suite/ceilings.py --seimai "$seimai" --report "$out/ceilings.json" \
      $(few "--inputs tiny --tiny 20000 --memory 256MiB --threads 2" "") ;;
    growth) step growth python3 benches/suite/growth.py --seimai "$seimai" --report "$out/growth.json" ;;
    licences)
      step licences "$python" scripts/sbom.py -o "$out/seimai.cdx.json"
      step licences-cloud "$python" scripts/sbom.py --features cloud -o "$out/seimai-cloud.cdx.json"
      ;;
    build) step build scripts/reproducible_build.sh ;;
    *) echo "error: no step $name" >&2; exit 2 ;;
  esac
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
