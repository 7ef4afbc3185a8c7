#!/usr/bin/env bash
# xargs.sh FILE DIR SHARDS PROCESSES [more words for hoptax sweep]
# With GNU parallel: seq 0 $((n - 1)) | parallel -j "$processes" hoptax sweep … --shard {}
set -euo pipefail
file=$1 folder=$2 n=$3 processes=$4
shift 4
seq 0 $((n - 1)) | xargs -P "$processes" -I K hoptax sweep "$file" -q -j 1 --output "$folder" --shards "$n" --shard K "$@"
exec hoptax sweep "$file" -j 1 --output "$folder" "$@"
