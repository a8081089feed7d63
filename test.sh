#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that must hold before a change is published: formatting, no warnings, all tests, and
# all tests again under the address and undefined-behaviour sanitizers. Does the set-up by itself.
set -euo pipefail
cd "$(dirname "$0")"
bash scripts/setup.sh
bash scripts/setup_browser.sh
bash scripts/setup_waves.sh
jobs=$(nproc)

echo "== formatting"
git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run -Werror

echo "== build, warnings are errors"
cmake --preset release -DCOUNTERPOINT_TESTS=ON -DCOUNTERPOINT_WERROR=ON >/dev/null
cmake --build --preset release -- -j "$jobs"

echo "== build with sanitizers"
cmake --preset asan >/dev/null
cmake --build --preset asan -- -j "$jobs"

echo "== tests with sanitizers"
# (without the longest comparisons: of random traffic with published sweeps, of plan and walk)
ctest --preset asan -j "$jobs" --no-tests=error -LE release-only \
  -E 'RandomTraffic|TwoWays.KindsAndWalkAgreeWhereMostIterationsAreSkipped'

echo "== tests"
ctest --preset release -j "$jobs" --no-tests=error

echo "== faults put into the models are found (a sample; all of them: scripts/mutation.py)"
python3 scripts/mutation.py --sample

echo "== instructions of a few fixed runs"
scripts/instructions.sh build/release
