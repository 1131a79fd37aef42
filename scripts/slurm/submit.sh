#!/usr/bin/env bash
# Submits a run as job arrays, one behind the other, as often as `seimai plan` says; prints the job numbers.
#
#   scripts/slurm/submit.sh SHARES PLAN OUT [options of sbatch …]
#
# SHARES counts the tasks of each array. PLAN, OUT and the inputs are seen by all nodes under the same names.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
shares=$1 plan=$2 out=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)

rounds=$("${SEIMAI:-seimai}" plan "$plan" | sed -n 's/^# shares .* start all of them \([0-9]*\) times.*/\1/p')
[ -n "$rounds" ] || { echo "error: seimai plan does not say how often" >&2; exit 1; }
after=()
for _ in $(seq "$rounds"); do
  # A run that is finished before the last array leaves nothing to do: each start costs a look at the directory.
  job=$(sbatch --parsable --array="0-$((shares - 1))" "${after[@]}" "$@" "$here/seimai.sbatch" "$plan" "$out")
  echo "$job"
  after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
done
