#!/bin/sh
# Run one notebook with papermill:
#     sh workflow/notebook.sh NAME NOTEBOOK OUTPUT -r PARAMETER VALUE ...
# The executed notebook gets its final name only if it ran to its end. One that failed is kept, with
# its log, in results/failed/.
name=$1 notebook=$2 output=$3
shift 3
running=results/running/$name.ipynb log=results/log/$name.txt failed=results/failed
mkdir -p results/running results/log
if python -SE workflow/warm.py papermill --no-progress-bar "$notebook" "$running" "$@" >"$log" 2>&1
then
    mv "$running" "$output"
else
    mkdir -p "$failed"
    mv "$running" "$failed"
    cp "$log" "$failed"
    exit 1
fi
