#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the pictures in docs/images anew: the report of a small validation in a headless Chromium.
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
# GTKWave with a waveform and its save file.
bash scripts/setup_waves.sh
PYTHONDONTWRITEBYTECODE=1 python3 tests/trace/gtkwave_test.py "$program" "$folder/gtkwave.png"
