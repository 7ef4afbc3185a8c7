"""A sweep in shards on HyperQueue's workers: python hyperqueue.py FILE DIR SHARDS [more words for hoptax sweep]."""

import sys
from pathlib import Path

# This file is called as the package is.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

from hyperqueue import Job  # noqa: E402
from hyperqueue.cluster import LocalCluster  # noqa: E402


def main():
    file, folder, shards, *words = sys.argv[1:]
    whole = ["hoptax", "sweep", str(Path(file).resolve()), "-q", "-j", "1", "--output", str(Path(folder).resolve()), *words]
    with LocalCluster() as cluster:
        cluster.start_worker()
        cluster.start_worker()
        client = cluster.client()
        # What was killed goes on where it was when it is submitted again; what is whole has nothing to do.
        for last in (False, False, True):
            job = Job()
            for shard in range(int(shards)):
                job.program([*whole, "--shards", shards, "--shard", str(shard)])
            if client.wait_for_jobs([client.submit(job)], raise_on_error=last):
                return


main()
