"""A sweep in shards on Dask's workers: python dask_shards.py FILE DIR SHARDS [more words for hoptax sweep]."""

import subprocess
import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster


def shard(words):
    """One shard to its end; what was killed is told to Dask, which tries it again: it goes on where it was."""
    subprocess.run(words, check=True)


def main():
    file, folder, shards, *words = sys.argv[1:]
    whole = ["hoptax", "sweep", str(Path(file).resolve()), "-q", "-j", "1", "--output", str(Path(folder).resolve()), *words]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        each = [[*whole, "--shards", shards, "--shard", str(k)] for k in range(int(shards))]
        client.gather([client.submit(shard, one, pure=False, retries=3) for one in each])


# A worker imports this file, too.
if __name__ == "__main__":
    main()
