#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the browser in which test.sh looks at the report. Without it those tests are skipped,
# so a failure is said and is not an error.
set -uo pipefail
packages=(chromium chromium-driver fonts-dejavu-core)
command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "Installing with apt-get: ${packages[*]}"
{ "${sudo[@]}" apt-get update -qq &&
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >/dev/null ||
  echo "chromium cannot be installed: the tests of the report in a browser are skipped" >&2
exit 0
