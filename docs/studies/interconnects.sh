#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The study of docs/studies/interconnects.md: one layer on four interconnects.
#   docs/studies/interconnects.sh [PROGRAM [OUT [NETWORK LAYER]]]
# OUT gets table.txt, points.json, links.csv and the pictures (gnuplot).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../build/release/cli/counterpoint}
out=${2:-$here/../../build/studies/interconnects}
network=${3:-squeezenet1_1}
layer=${4:-fire8_e3}
pictures=()
if command -v gnuplot >/dev/null; then pictures=(--svg "$out/study"); fi
study=(contention -m "$here/interconnects/machine.yaml" -n "$network"
  -d "$here/interconnects/filters_in_space.m" -l "$layer" --at array
  --topology "pipe,xy,mesh" --ports 1,4 --place edge --collective "path,fork" --no-data)
mkdir -p "$out"
"$program" "${study[@]}" --links "$out/links.csv" "${pictures[@]}" --format json --out "$out/points.json"
python3 - "$out/points.json" <<'PYTHON' | tee "$out/table.txt"
import json, sys
points = json.load(open(sys.argv[1]))["points"]
causes = ["added_latency", "port_serialization", "link_conflicts", "arbitration", "full_buffers",
          "head_of_line"]
print("network,estimate,simulated," + ",".join(causes))
for p in points:
    print(",".join([p["network"].replace(",", ""), str(p["estimate"]), str(p["cycles"])] +
                   [str(p["causes"][c]) for c in causes]))
PYTHON
