#!/usr/bin/env bash
# Build pyspharm, which has no wheel and wants old build tools, and install it into .venv. Needs gfortran.
# pyspharm is the cross-check of our wind and kinetic energy (config key evaluation.winds), nothing else needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=$PWD/.venv/bin/python
VERSION=1.0.9

if $PYTHON -c "import spharm" 2> /dev/null; then exit; fi
command -v gfortran > /dev/null || { echo "pyspharm needs gfortran: apt-get install gfortran" >&2; exit 1; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
$PYTHON -m venv "$build/venv"
pip="$build/venv/bin/pip --quiet --disable-pip-version-check"
$pip install "setuptools<60" wheel "$($PYTHON -c 'import numpy; print(f"numpy=={numpy.__version__}")')"
# From a scratch folder and past the cache: a wheel built with another numpy crashes.
cd "$build"
NPY_DISTUTILS_APPEND_FLAGS=1 FFLAGS=-std=legacy NPY_NUM_BUILD_JOBS=$(nproc) \
  $pip wheel --no-cache-dir --no-build-isolation --no-deps "pyspharm==$VERSION"
$PYTHON -m pip --quiet --disable-pip-version-check install --no-deps pyspharm-*.whl
