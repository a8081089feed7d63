#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that building Counterpoint needs, if any is missing.
# Sourced by run.sh and test.sh; can also be run alone.
set -euo pipefail

counterpoint_setup() {
  local needed=(g++ cmake ninja-build pkg-config libsystemc-dev libyaml-cpp-dev
    libboost-program-options-dev libgtest-dev libgmock-dev librapidcheck-dev libfmt-dev
    nlohmann-json3-dev clang-format ccache valgrind python3 gnuplot-nox)
  local missing=() package
  for package in "${needed[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  if [ "${#missing[@]}" -eq 0 ]; then
    return 0
  fi
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These Debian packages are missing: ${missing[*]}" >&2
      echo "Install them as root (apt-get install ${missing[*]}), or install sudo." >&2
      return 1
    fi
    sudo=(sudo)
  fi
  echo "Installing with apt-get: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

counterpoint_setup
