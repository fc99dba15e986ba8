#!/usr/bin/env bash
# Keep the tables of a seed: keep_seed.sh results/study-1/study docs/study/seed-1
# Tables of more models are not replaced, and orderings of other settings do not stay beside the new tables.
set -euo pipefail
made=$1 kept=$2
missing=$(comm -13 <(cut -d, -f1 "$made/models.csv" | sort) <(cut -d, -f1 "$kept/models.csv" 2>/dev/null | sort))
if [ -n "$missing" ]; then
  echo "$kept has models that $made lacks: ${missing//$'\n'/, }. Make them, too (MORE=config/study-all.yaml), or" \
    "delete $kept first." >&2
  exit 1
fi
mkdir -p "$kept"
if [ -e "$kept/orderings.csv" ] && ! cmp -s <(grep ^settings, "$made/about.csv") <(grep ^settings, "$kept/about.csv"); then
  echo "$kept/orderings.csv is of other settings and deleted; make it with make study-orderings."
  rm "$kept/orderings.csv"
fi
cp "$made"/*.csv "$kept/"
