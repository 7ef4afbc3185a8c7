#!/usr/bin/env bash
# sbatch slurm.sh FILE DIR; then hoptax sweep FILE --output DIR. A task that is requeued goes on where it was.
#SBATCH --array=0-6
#SBATCH --cpus-per-task=1
#SBATCH --requeue
set -euo pipefail
exec hoptax sweep "$1" -q -j 1 --output "$2" --shards "$SLURM_ARRAY_TASK_COUNT" --shard "$SLURM_ARRAY_TASK_ID"
