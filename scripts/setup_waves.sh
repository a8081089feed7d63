#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs GTKWave and a virtual screen, with which test.sh looks at waveforms. Without them that
# test is skipped, so a failure is said and is not an error.
set -uo pipefail
packages=(gtkwave xvfb xauth)
command -v gtkwave >/dev/null && command -v vcd2fst >/dev/null && command -v xvfb-run >/dev/null &&
  command -v xauth >/dev/null && exit 0
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "Installing with apt-get: ${packages[*]}"
{ "${sudo[@]}" apt-get update -qq &&
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >/dev/null ||
  echo "gtkwave or xvfb cannot be installed: the test of waveforms in GTKWave is skipped" >&2
exit 0
