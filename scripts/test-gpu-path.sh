#!/usr/bin/env bash
# Everything of seimai.torch that can be checked without a GPU, and on one with it: the tests of the loader and of a packed row in a
# model, the kernels in Triton's interpreter (on a GPU: there) against plain torch, and their compilation ahead of time for sm_80 and
# sm_90 with registers and shared memory. Installs pinned versions of torch, triton and transformers into a virtual environment of its
# own, 5.8 GB; with SEIMAI_WHEEL=FILE that wheel, else one that it builds. What needs a GPU and nothing else is scripts/gpu_check.py.
#
#     ./scripts/test-gpu-path.sh [RECORD.json]      # where registers and shared memory are written
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
environment=$(realpath -m "${SEIMAI_TORCH_ENVIRONMENT:-$target/gpu-path}")
wheel=${SEIMAI_WHEEL:-}
record=${1:-}

if [ ! -x "$environment/bin/python" ]; then
  python3 -m venv "$environment"
fi
"$environment/bin/python" -m pip install --quiet torch==2.15.0 triton==3.9.0 numpy==2.4.6 transformers==5.24.0 pytest==9.2.0 maturin==1.16.0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -z "$wheel" ]; then
  (cd python && "$environment/bin/maturin" build --quiet --release --locked --interpreter "$environment/bin/python" --out "$scratch")
  wheel=$(echo "$scratch"/*.whl)
fi
"$environment/bin/python" -m pip install --quiet --force-reinstall --no-deps "$wheel"

if "$environment/bin/python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "a GPU is here: kernels run on it"
else
  echo "no GPU here: kernels run in Triton's interpreter; copies, overlap and speed are not tested"
  export TRITON_INTERPRET=1
fi
# From elsewhere, so that the installed package is tested, not the folder.
tests=$(realpath python/tests)
(cd "$scratch" && "$environment/bin/python" -m pytest -q -p no:cacheprovider -c "$tests/../pyproject.toml" --rootdir "$tests/.." "$tests"/test_torch_*.py)

# Not in the interpreter: compiled for real.
unset TRITON_INTERPRET
"$environment/bin/python" scripts/kernel_resources.py ${record:+--record "$record"}
