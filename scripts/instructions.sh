#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counts the instructions of a few fixed runs (callgrind) and compares them with
# bench/instructions.baseline, so that a slow-down cannot land unnoticed on a noisy machine.
#   scripts/instructions.sh [--update] [BUILD FOLDER]     (default build/release)
set -euo pipefail
cd "$(dirname "$0")/.."
update=no
if [ "${1:-}" = --update ]; then
  update=yes
  shift
fi
program="${1:-build/release}/bench/counted_runs"
baseline=bench/instructions.baseline
tolerance=6 # percent
compiler="g++ $(g++ -dumpfullversion)"
if [ "$update" = no ] && [ ! -f "$baseline" ]; then
  echo "$baseline is missing: scripts/instructions.sh --update writes it" >&2
  exit 1
fi
if [ "$update" = no ] && ! grep -qx "compiler $compiler" "$baseline"; then
  echo "instructions are not compared: the baseline is of another compiler than $compiler"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "compiler $compiler" >"$work/counted"
for run in $("$program"); do
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$run" 2>"$work/log" >/dev/null ||
    { cat "$work/log" >&2; exit 1; }
  echo "$run $(awk '/Collected/ { print $4 }' "$work/log")" >>"$work/counted"
done
if [ "$update" = yes ]; then
  cp "$work/counted" "$baseline"
  cat "$baseline"
  exit 0
fi
awk -v tolerance="$tolerance" '
  NR == FNR { before[$1] = $2; next }
  $1 == "compiler" { next }
  !($1 in before) { printf "%-28s %15d  not in the baseline\n", $1, $2; bad = 1; next }
  { change = 100 * ($2 / before[$1] - 1)
    printf "%-28s %15d  %+6.2f %%%s\n", $1, $2, change,
      (change > tolerance ? "  SLOWER" : change < -tolerance ? "  quicker: --update the baseline" : "")
    if (change > tolerance) bad = 1 }
  END { exit bad }' "$baseline" "$work/counted" || {
  echo "more instructions than bench/instructions.baseline allows ($tolerance %); if that is meant, run scripts/instructions.sh --update" >&2
  exit 1
}
