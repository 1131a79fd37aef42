#!/usr/bin/env bash
# Runs every target of fuzz/ for a while and prints a line of JSON for each:
#   ./scripts/fuzz.sh [SECONDS [TARGET…]]        60 seconds and all targets by default
# Needs cargo and a C++ compiler (libFuzzer is built from its sources); no nightly compiler and no cargo-fuzz. No network but cargo's.
# Strings of the tests are the first inputs (scripts/fuzz_seeds.py); those worth keeping gather in fuzz/corpus/, what breaks a target in fuzz/artifacts/.
# Exit code 1 if a target broke.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true

host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${FUZZ_TARGET_DIR:-fuzz/target}
# The coverage that cargo-fuzz would ask for. These flags are those of any compiler (a sanitizer of addresses would need -Z), and for a named host they
# leave build scripts alone.
coverage='build.rustflags=["-Cpasses=sancov-module","-Cllvm-args=-sanitizer-coverage-level=4","-Cllvm-args=-sanitizer-coverage-inline-8bit-counters","-Cllvm-args=-sanitizer-coverage-pc-table","-Cllvm-args=-sanitizer-coverage-trace-compares"]'
CARGO_TARGET_DIR=$target_dir cargo build --release --bins --manifest-path fuzz/Cargo.toml --target "$host" --config "$coverage"
python3 scripts/fuzz_seeds.py fuzz/corpus

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
broken=0
for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
  log=$(mktemp)
  ended=0
  "$target_dir/$host/release/$target" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target/" "fuzz/corpus/$target" >"$log" 2>&1 || ended=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '{"target": "%s", "seconds": %s, "executions": %s, "edges": %s, "exit_code": %s}\n' \
    "$target" "$seconds" "${runs:-0}" "${edges:-0}" "$ended"
  if [ "$ended" != 0 ]; then
    broken=1
    tail -n 40 "$log"
  fi
  rm -f "$log"
done
exit "$broken"
