#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Counterpoint and validates the convolution layers of VGG16 under two dataflows.
# Does all the set-up on a fresh Debian 12; a second run starts at once.
# Words behind ./run.sh go to the program instead: ./run.sh list machines
set -euo pipefail
cd "$(dirname "$0")"
bash scripts/setup.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
build() {
  cmake --preset release -DCOUNTERPOINT_TESTS=OFF && cmake --build --preset release --target counterpoint
}
echo "Building (build/release) ..." >&2
if ! build >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
counterpoint=build/release/cli/counterpoint
if [ "$#" -gt 0 ]; then
  exec "$counterpoint" "$@"
fi
status=0
"$counterpoint" validate --machine eyeriss --network vgg16 --dataflow row_stationary \
  --layers 'CONV*' || status=$?
echo
"$counterpoint" validate --machine nvdla_like --network vgg16 --dataflow nvdla \
  --layers 'CONV*' || status=$?
exit "$status"
