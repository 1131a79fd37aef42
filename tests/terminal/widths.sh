#!/usr/bin/env bash
# What a terminal shows of a run, of lives and of the doctor, at several widths: nothing wraps, and one line is left of each pass.
#
#     tests/terminal/widths.sh [SEIMAI]
#
# Needs tmux and the dictionary ipadic. Without these it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
seimai=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/seimai}")
if ! command -v tmux >/dev/null || ! "$seimai" dictionary list | grep -q '^ipadic '; then
  echo "skipped: what a terminal shows needs tmux and the dictionary ipadic"
  exit 0
fi
scratch=$(mktemp -d)
socket=seimai-widths-$$
trap 'tmux -L "$socket" kill-server 2>/dev/null || true; rm -rf "$scratch"' EXIT
python3 - "$scratch" <<'PYTHON'
import json, sys
from pathlib import Path
text = "棚田では毎年の春に村の人が総出で水路の泥をさらい、夏には草を刈り、秋には稲を掛けて干すのだそうです。"
lines = [json.dumps({"id": f"d{n}", "text": "".join(f"{text}第{n * 31 + k}番の田。" for k in range(12))}, ensure_ascii=False) for n in range(3000)]
Path(sys.argv[1], "a.jsonl").write_text("\n".join(lines))
Path(sys.argv[1], "plan.toml").write_text('[input]\npaths = ["a.jsonl"]\n[quality]\npreset = "none"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 1000\n')
PYTHON
export LC_ALL=C.UTF-8
for columns in 40 60 80 120 200; do
  rm -rf "$scratch/out" "$scratch/done"
  command="cd $scratch; $seimai run plan.toml --out out --no-report; $seimai inspect out d7 > /dev/null; echo ended > done; sleep 60"
  tmux -L "$socket" -f /dev/null new-session -d -x "$columns" -y 400 "$command"
  wide=0
  until [ -e "$scratch/done" ]; do
    # Every row up to the summary begins a pass: what has wrapped would leave a row that does not.
    tmux -L "$socket" capture-pane -p | python3 -c "
import sys
passes = ('find the wor', 'read, normal', 'find duplica', 'find pieces', 'keep or drop', 'count pre-to', 'train the vo', 'encode, writ', 'pack sequenc', 'judge by the', 'balance the ')
for row in sys.stdin.read().splitlines():
    if row.startswith('  read  '):
        break
    assert not row.strip() or any(words in row for words in passes), ($columns, row)
    assert 'ETA' not in row, row
" || wide=1
    [ "$wide" = 0 ] || { echo "a line of progress has wrapped at $columns columns"; exit 1; }
    sleep 0.2
  done
  shown=$(tmux -L "$socket" capture-pane -p)
  for pass in "find the work shards" "pack sequences"; do
    [ "$(grep -c "$pass" <<<"$shown")" = 1 ] || { echo "$columns columns: not one line of '$pass':"; head -20 <<<"$shown"; exit 1; }
  done
  tmux -L "$socket" kill-server
  sleep 0.5 # The next one has a server of its own.
  echo "$columns columns: one line a pass, none wider"
done
for columns in 40 80 120; do
  for command in "inspect out d7" "inspect out d7 --color always" "doctor"; do
    tmux -L "$socket" -f /dev/null new-session -d -x "$columns" -y 300 "cd $scratch; $seimai $command; sleep 60"
    for _ in $(seq 100); do shown=$(tmux -L "$socket" capture-pane -p -J); [ -n "$shown" ] && sleep 0.5 && break; sleep 0.1; done
    tmux -L "$socket" capture-pane -p -J | python3 -c "
import sys, unicodedata
width = lambda text: sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)
lines = sys.stdin.read().splitlines()
assert len(lines) > 5 and all(width(line.rstrip()) <= $columns for line in lines), [line for line in lines if width(line.rstrip()) > $columns]
"
    tmux -L "$socket" kill-server
  sleep 0.5 # The next one has a server of its own.
  done
  echo "$columns columns: lives and the doctor fit"
done
