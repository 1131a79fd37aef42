#!/usr/bin/env bash
# Reports in a real browser: of the samples, of documents that would like to run, and of two runs; and pages of clusters.
#
#     tests/browser/report.sh [SEIMAI]
#
# Needs Chromium ($CHROMIUM, else /usr/bin/chromium), Node, and the packages of package.json in $SEIMAI_BROWSER_TOOLS (target/browser-tools,
# where scripts/install-test-tools.sh puts them). Without these it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
seimai=$(realpath "${1:-$target/release/seimai}")
export SEIMAI_BROWSER_TOOLS=${SEIMAI_BROWSER_TOOLS:-$target/browser-tools} CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
if ! [ -x "$CHROMIUM" ] || ! command -v node >/dev/null || ! [ -d "$SEIMAI_BROWSER_TOOLS/node_modules/axe-core" ]; then
  echo "skipped: reports in a browser need Chromium, Node and the packages of ./scripts/install-test-tools.sh"
  exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 - "$scratch" <<'PYTHON'
import json, sys
from pathlib import Path

hostile = [
    "</script><script>document.title='ran';alert(1)</script>", "<img src=x onerror=\"document.title='ran'\">", "--><svg onload=document.title='ran'>",
    "</style><style>body{display:none}</style>", "\u2028'\"><a href=\"javascript:document.title='ran'\">x</a>", "<iframe src=https://example.com></iframe>",
    # Longer than a telephone is wide, in any font, and nowhere to break.
    "W" * 90,
]
lines = []
for n, text in enumerate(hostile):
    for k, body in enumerate([f"{text}人の米と水は川です。山は遠い。{n}", f"{text}\n" * 9, text, text, f"社長は来週いらっしゃいます。{text}お待ちしております。"]):
        lines.append(json.dumps({"id": f"{n}.{k} {text}", "text": body, "source": text, "license": text, "residency": text}))
root = Path(sys.argv[1])
(root / "hostile.jsonl").write_text("\n".join(lines))
(root / "hostile.toml").write_text('[input]\npaths = ["hostile.jsonl"]\n[quality]\npreset = "none"\n[quality.thresholds]\nmin_chars = 60\ndup_lines = 0.3\n[tokenizer]\nvocab_size = 300\n')
PYTHON
"$seimai" run examples/samples.toml --out "$scratch/samples" --progress none --quiet
"$seimai" run "$scratch/hostile.toml" --out "$scratch/hostile" --progress none --quiet
"$seimai" run "$scratch/hostile.toml" --out "$scratch/other" --set quality.thresholds.min_chars=20 --progress none --quiet
"$seimai" report "$scratch/samples" -o "$scratch/samples.html" --quiet
"$seimai" report "$scratch/hostile" "$scratch/other" -o "$scratch/both.html" --quiet
# Clusters: of the samples, and of documents that would like to run.
for run in samples hostile; do
  member=$("$seimai" inspect "$scratch/$run" --rule exact --sample 1 --json | python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["doc_id"])')
  "$seimai" inspect "$scratch/$run" --cluster "$member" --html "$scratch/$run-cluster.html" --quiet
done
node tests/browser/report.mjs "$scratch/samples.html" "$scratch/hostile/report.html" "$scratch/both.html" "$scratch/samples-cluster.html" "$scratch/hostile-cluster.html"
