#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the pictures in docs/images anew: reports in a headless Chromium, GTKWave.
#   scripts/screenshots.sh [PROGRAM] [FOLDER]    (default build/release/cli/counterpoint docs/images)
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup_browser.sh
program=${1:-build/release/cli/counterpoint}
folder=${2:-docs/images}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" validate --machine eyeriss --network alexnet --dataflow row_stationary --no-data --profile \
  --format json --out "$work/result.json" || [ $? -eq 2 ] # a refused layer is in the report, too
"$program" report "$work/result.json" --out "$work/report.html"
mkdir -p "$folder"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/report python3 scripts/screenshots.py "$work/report.html" "$folder"
# Routers of two networks that the study compares.
study=docs/studies/interconnects
for topology in mesh xy; do
  sed "s/name: array, bandwidth/name: array, topology: $topology, bandwidth/" "$study/machine.yaml" >"$work/$topology.yaml"
  "$program" simulate --machine "$work/$topology.yaml" --network squeezenet1_1 --layers fire8_e3 \
    --dataflow "$study/filters_in_space.m" --no-data --profile --format json --out "$work/$topology.json"
  "$program" report "$work/$topology.json" --out "$work/$topology.html"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/report python3 scripts/screenshots.py --routers \
    "$work/$topology.html" "$folder/routers-$topology"
done
# GTKWave with a waveform and its save file.
bash scripts/setup_waves.sh
PYTHONDONTWRITEBYTECODE=1 python3 tests/trace/gtkwave_test.py "$program" "$folder/gtkwave.png"
