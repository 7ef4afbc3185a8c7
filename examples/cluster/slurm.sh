#!/usr/bin/env bash
# sbatch --wait slurm.sh FILE DIR [more words for hoptax sweep]; then hoptax sweep FILE --output DIR [the same words].
# What was killed or requeued goes on where it was when it is started again with the same line.
#SBATCH --array=0-6
#SBATCH --cpus-per-task=1
#SBATCH --requeue
set -euo pipefail
exec hoptax sweep "$1" -q -j 1 --output "$2" "${@:3}" --shards "$SLURM_ARRAY_TASK_COUNT" --shard "$SLURM_ARRAY_TASK_ID"
