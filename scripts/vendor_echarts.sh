#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes web/vendor/echarts.min.js anew from npm: the charts of Apache ECharts that the report
# uses, of pinned versions. Only for changing the versions; building and running download nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=$PWD/web/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$vendor/echarts.entry.js" "$work/entry.js"
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --save-exact echarts@5.6.0 esbuild@0.25.0
npx esbuild entry.js --bundle --minify --format=iife --global-name=echarts \
  --legal-comments=inline --target=es2018 --outfile="$vendor/echarts.min.js"
cp node_modules/echarts/LICENSE "$vendor/echarts.LICENSE"
cp node_modules/echarts/NOTICE "$vendor/echarts.NOTICE"
cp node_modules/echarts/licenses/LICENSE-d3 "$vendor/d3.LICENSE"
cp node_modules/zrender/LICENSE "$vendor/zrender.LICENSE"
cp node_modules/tslib/LICENSE.txt "$vendor/tslib.LICENSE"
