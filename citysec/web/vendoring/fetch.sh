#!/bin/sh
# Fetch the front-end files named in MANIFEST.toml anew and compile the style sheet; then print the hashes, which
# tests/web/test_vendor.py compares with the manifest. To take newer versions change them here and there.
# Needs npm and the network; the service and its tests need neither.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
static=$(cd "$here/../static/vendor" && pwd)
axe=$(cd "$here/../../../tests/web/axe" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts \
  govuk-frontend@6.6.0 @ministryofjustice/frontend@11.1.0 htmx.org@4.0.1 axe-core@4.14.1 sass@1.108.2
node_modules/.bin/sass --no-source-map --style=compressed --load-path=. "$here/govuk.scss" "$static/govuk.css"
cp node_modules/htmx.org/dist/htmx.min.js "$static/htmx.js"
cp node_modules/htmx.org/dist/ext/hx-sse.min.js "$static/htmx-sse.js"
cp node_modules/htmx.org/LICENSE "$static/htmx.LICENSE.txt"
cp node_modules/axe-core/axe.min.js "$axe/axe.js"
cp node_modules/axe-core/LICENSE "$axe/LICENSE.txt"
sha256sum "$static"/* "$axe"/*
