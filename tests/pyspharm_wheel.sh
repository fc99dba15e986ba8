#!/usr/bin/env bash
# Build pyspharm, which has no wheel and wants old build tools, into a folder. Needs gfortran.
# pyspharm is the cross-check of our wind and kinetic energy (config key evaluation.winds), nothing else needs it.
set -euo pipefail
FOLDER=$(realpath "$1")
cd "$(dirname "$0")/.."
VERSION=1.0.9

command -v gfortran > /dev/null || { echo "pyspharm needs gfortran: apt-get install gfortran" >&2; exit 1; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
${PYTHON:-python3} -m venv "$build/venv"
pip="$build/venv/bin/pip --quiet --disable-pip-version-check"
$pip install "setuptools<60" wheel "$(grep "^numpy==" requirements.txt)"
# From a scratch folder and past the cache: a wheel built with another numpy crashes.
cd "$build"
NPY_DISTUTILS_APPEND_FLAGS=1 FFLAGS=-std=legacy NPY_NUM_BUILD_JOBS=$(nproc) \
  $pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir "$FOLDER" "pyspharm==$VERSION"
