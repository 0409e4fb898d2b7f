#!/bin/sh
# Builds plotly-bundle.js.deflate, the drawing library inside every report page.
#
# Why our own: no published bundle of plotly.js holds both funnel and heatmap except the full one (4.8 MB), and a bundle
# that lacks a trace draws it as a line without any error. This one holds the core, scatter, bar, heatmap and funnel.
# plotly.js must be of the version that the installed plotly writes figures for; tests/browser/test_page.py compares the two.
# Needs node >= 20 with npm, and the project's Python. Run it after an update of plotly:
#     sh cxtools/pages/assets/build.sh .venv/bin/python
# To add a trace: a line in the entry below, the same word in cxtools/charts/style.py (TRACES), and run this again.
set -eu
python=${1:-python3}
assets=$(cd "$(dirname "$0")" && pwd)
version=$("$python" -c "from plotly.offline import get_plotlyjs_version as v; print(v())")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --no-audit --no-fund "plotly.js@$version" esbuild@0.28.2

cat >entry.js <<'ENTRY'
var Plotly = require('plotly.js/lib/core');   // scatter is part of the core
Plotly.register([
    require('plotly.js/lib/bar'),
    require('plotly.js/lib/heatmap'),
    require('plotly.js/lib/funnel'),
]);
module.exports = Plotly;
ENTRY
npx --no-install esbuild entry.js --bundle --minify --format=iife --global-name=Plotly --target=es2020 \
    --define:global=window --define:define.amd=false --legal-comments=eof --loader:.css=empty --outfile=bundle.js

# zlib format, which browsers call "deflate" (DecompressionStream).
"$python" - "$version" "$assets/plotly-bundle.js.deflate" <<'PACK'
import sys, zlib
from pathlib import Path
licence = Path("node_modules/plotly.js/LICENSE").read_text(encoding="utf-8")
banner = f"/*!\nplotly.js v{sys.argv[1]} (core, scatter, bar, heatmap, funnel)\n{licence}*/\n"
packed = zlib.compress((banner + Path("bundle.js").read_text(encoding="utf-8")).encode(), 9)
Path(sys.argv[2]).write_bytes(packed)
print(f"{sys.argv[2]}: {len(packed):,} bytes")
PACK
