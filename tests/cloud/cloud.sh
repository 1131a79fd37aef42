#!/usr/bin/env bash
# Runs from and to an S3 server on loopback, which is harmed and killed on the way.
#
#     tests/cloud/cloud.sh [SEIMAI] [options of cloud.py]
#
# SEIMAI is a build with the feature `cloud`; without it one is made (release). Needs the server `s3s-fs` in $SEIMAI_CLOUD_TOOLS
# (target/cloud-tools, where `scripts/install-test-tools.sh cloud` puts it) and the dictionary ipadic. Without these it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
server=${SEIMAI_CLOUD_TOOLS:-$target/cloud-tools}/bin/s3s-fs
if ! [ -x "$server" ]; then
  echo "skipped: runs from and to a store need the server of ./scripts/install-test-tools.sh cloud"
  exit 0
fi
if [ $# -gt 0 ] && [ -x "$1" ]; then
  seimai=$1
  shift
else
  cargo build --release --locked --features cloud
  seimai=$target/release/seimai
fi
if ! "$seimai" dictionary list | grep -q ipadic; then
  echo "skipped: runs need the dictionary ipadic (seimai dictionary fetch ipadic)"
  exit 0
fi
exec python3 tests/cloud/cloud.py "$seimai" "$server" "$@"
