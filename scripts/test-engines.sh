#!/usr/bin/env bash
# Runs and stages on engines of other people, on a cluster of this machine: Ray Core, Ray Data, Spark, Daft (docs/guide/scale.md). Installs
# pinned versions into an environment of its own, 1.5 GB; Spark needs Java 17 or later (Debian: openjdk-17-jre-headless), without which its
# tests are skipped. Some six minutes on two cores, hence no part of ./scripts/test.sh.
#
#     ./scripts/test-engines.sh [arguments of pytest]        # after cargo build --release --workspace
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
environment=$(realpath -m "${SEIMAI_ENGINES_ENVIRONMENT:-$target/engines}")
library=$target/release/lib_core.so
[ -f "$library" ] || { echo "error: $library is missing: PYO3_BUILD_EXTENSION_MODULE=1 PYO3_NO_PYTHON=1 cargo build --release --workspace" >&2; exit 2; }
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check -r python/tests/engines.txt
cp "$library" python/seimai/_core.abi3.so
without=()
command -v java >/dev/null || { echo "skipped: the tests of Spark need Java (apt-get install openjdk-17-jre-headless)"; without=(-k "not spark"); }
export RAY_USAGE_STATS_ENABLED=0 DO_NOT_TRACK=true PYTHONPATH=$PWD/python
"$environment/bin/python" -m pytest -q python/tests/test_ray.py python/tests/test_engines.py "${without[@]}" "$@"
