#!/usr/bin/env bash
# A real Slurm cluster on this machine, for as long as this script runs: slurmctld and two slurmd of one CPU on loopback. Runs a plan as arrays
# of three tasks, kills a task with SIGKILL and cancels an array on the way, submits again, and compares the files with those of one process.
#
#   scripts/slurm/try.sh [PLAN]        default: examples/samples.toml, in small shards
#   KILLS=50 scripts/slurm/try.sh      besides, so many tasks are killed at random moments of as many runs as that takes
#
# Needs root and Debian's slurm-wlm and munge (apt-get install slurm-wlm munge); touches no service of the system. Not part of the tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
seimai=$(realpath "${SEIMAI:-${CARGO_TARGET_DIR:-target}/release/seimai}")
plan=$(realpath "${1:-examples/samples.toml}")
for tool in slurmctld slurmd sbatch munged; do
  command -v $tool >/dev/null || { echo "error: $tool is missing: apt-get install slurm-wlm munge"; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "error: needs root"; exit 2; }

dir=$(mktemp -d /tmp/seimai-slurm.XXXXXX)
chmod 755 "$dir"
stop() {
  for pid in "$dir"/*.pid; do [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null || true; done
  sleep 1
  [ -n "${KEEP:-}" ] && echo "kept: $dir" || rm -rf "$dir"
}
trap stop EXIT
say() { printf '\n== %s\n' "$1"; }

say "A cluster in $dir"
host=$(hostname -s)
mkdir -p "$dir/munge" "$dir/state" "$dir/spool-n0" "$dir/spool-n1" "$dir/log"
chmod 700 "$dir/munge" && chmod 711 "$dir"
dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 status=none && chmod 400 "$dir/munge/key"
munged --key-file="$dir/munge/key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" --force
cat >"$dir/slurm.conf" <<CONF
ClusterName=try
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld
SlurmdLogFile=$dir/log/slurmd-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MinJobAge=3600
NodeName=n0 NodeHostname=$host NodeAddr=127.0.0.1 Port=17000 CPUs=1
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17001 CPUs=1
PartitionName=all Nodes=n0,n1 Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$dir/slurm.conf SEIMAI=$seimai
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF" -N n0
slurmd -f "$SLURM_CONF" -N n1
for _ in $(seq 60); do
  [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && break
  sleep 0.5
done
sinfo

say "One process, for comparison"
scripts=$PWD/scripts/slurm
cd "$dir"
# Settings make many shards of little data.
small=(--set shards.rows_max=20 --set shards.bytes_max=40000)
whole=0
"$seimai" run "$plan" --out "$dir/whole" "${small[@]}" --progress none --quiet || whole=$?
[ "$whole" = 0 ] || [ "$whole" = 3 ] || exit 1

# All tasks of an array have ended: prints how.
ended() {
  while squeue -h -j "$1" 2>/dev/null | grep -q .; do sleep 0.3; done
  [ -n "${QUIET:-}" ] || scontrol -o show job "$1" | grep -o 'JobState=[A-Z]*' | sort | uniq -c
}
submit() {
  sbatch --parsable --no-requeue --array=0-2 --output="$dir/log/%A_%a" "$@" "$scripts/seimai.sbatch" "$plan" "${out:-$dir/out}" "${small[@]}" --patience 1
}

say "A task is killed, an array is cancelled"
job=$(submit)
next=$(submit --dependency="afterok:$job")
for _ in $(seq 200); do
  victim=$(pgrep -f -- "--out $dir/out --shard" | head -1 || true)
  [ -n "$victim" ] && break
  sleep 0.05
done
kill -9 "$victim"
ended "$job"
scontrol -o show job "$job" | grep -q 'JobState=FAILED' || { echo "error: no task was killed"; exit 1; }
# What depends on it does not start, and is taken back.
squeue -h -j "$next" -o '%T %r' | sort | uniq -c
scancel "$next"
job=$(submit)
sleep 0.4
scancel "$job"
ended "$job"

say "Submitted again, as often as seimai plan says"
rounds=$("$seimai" plan "$plan" | sed -n 's/^# shares .* start all of them \([0-9]*\) times.*/\1/p')
echo "$rounds arrays"
after=()
for _ in $(seq "$rounds"); do
  job=$(submit "${after[@]}")
  # Without records that cannot be read each task ends with 0; with some, the last ones with 3.
  after=(--dependency="afterany:$job")
  [ "$whole" = 0 ] && after=(--dependency="afterok:$job")
done
ended "$job"
[ -f "$dir/out/_SUCCESS" ] || { echo "error: the run is not finished"; tail -n 3 "$dir"/log/*_*; exit 1; }
"$seimai" verify "$dir/out" --progress none

say "The same files"
same() { # two output directories
  hashes "$1" >"$dir/one"
  hashes "$2" >"$dir/other"
  diff "$dir/one" "$dir/other" && echo "$(wc -l <"$dir/one") files are equal"
}
hashes() { (cd "$1" && find . -type f ! -path ./run.json ! -path ./run.log.jsonl -print0 | sort -z | xargs -0 sha256sum); }
same "$dir/whole" "$dir/out"

kills=0 trials=0
RANDOM=1
[ -z "${KILLS:-}" ] || say "$KILLS tasks are killed"
while [ "$kills" -lt "${KILLS:-0}" ]; do
  out=$dir/killed
  for _ in $(seq 20); do
    job=$(submit)
    # A task works for a second or less: it is waited for, and killed up to a second later.
    for _ in $(seq 100); do
      pgrep -f -- "--out $out --shard" >/dev/null && break
      sleep 0.02
    done
    sleep "0.$((RANDOM % 90 + 10))"
    victim=$(pgrep -f -- "--out $out --shard" | shuf -n 1 || true)
    [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null && kills=$((kills + 1))
    QUIET=1 ended "$job"
    [ ! -f "$out/_SUCCESS" ] || break
  done
  # What was killed behind `_SUCCESS` has not made the page of the run.
  QUIET=1 ended "$(submit)"
  same "$dir/whole" "$out"
  rm -rf "$out"
  trials=$((trials + 1))
  echo "$kills killed in $trials runs"
done
unset out

say "As the README says: submit.sh, and the plan as it is"
jobs=$("$scripts/submit.sh" 2 "$plan" "$dir/plain" --output="$dir/log/%A_%a")
ended "$(tail -n 1 <<<"$jobs")"
"$seimai" run "$plan" --out "$dir/alone" --progress none --quiet || [ $? = 3 ]
same "$dir/alone" "$dir/plain"
