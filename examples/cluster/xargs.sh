#!/usr/bin/env bash
# xargs.sh FILE DIR SHARDS PROCESSES [more words for hoptax sweep]; what was killed goes on when this is started again.
# With GNU parallel: seq 0 $((n - 1)) | parallel -j "$processes" hoptax sweep … --shard {}
set -euo pipefail
file=$1 folder=$2 n=$3 processes=$4
shift 4
# Through a shell: xargs itself gives up at once, and waits for nobody, when a child of its own is killed.
seq 0 $((n - 1)) | xargs -P "$processes" -I K \
    sh -c '"$@" || exit 1' shard hoptax sweep "$file" -q -j 1 --output "$folder" --shards "$n" --shard K "$@"
exec hoptax sweep "$file" -q -j 1 --output "$folder" "$@"
