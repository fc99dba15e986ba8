#!/usr/bin/env bash
# Install pyspharm into .venv; see tests/pyspharm_wheel.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

if .venv/bin/python -c "import spharm" 2> /dev/null; then exit; fi
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
PYTHON=$PWD/.venv/bin/python bash tests/pyspharm_wheel.sh "$wheels"
.venv/bin/pip --quiet --disable-pip-version-check install --no-deps "$wheels"/pyspharm-*.whl
