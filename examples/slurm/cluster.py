"""A Dask cluster in Slurm jobs, for ``harness … --scheduler``: ``python cluster.py --jobs 32``.

It prints the scheduler's address and stays until Ctrl-C; its jobs end with it.
"""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

import dask
from dask_jobqueue import SLURMCluster

_HOUR_MIN = 60


def cluster(
    root: Path, *, queue: str | None, cores: int, memory: str, hours: int
) -> SLURMCluster:
    """Return a cluster whose jobs each carry out one run at a time, in the project's folder.

    A worker leaves five minutes before Slurm would end its job, so that its run goes to
    another one in good order. Runs wait with the scheduler for the next free worker.
    """
    dask.config.set({"distributed.scheduler.worker-saturation": 1.0})
    return SLURMCluster(
        queue=queue,
        cores=1,  # runs at a time; their threads are below
        processes=1,
        job_cpu=cores,
        memory=memory,
        walltime=f"{hours:02d}:00:00",
        job_script_prologue=[f"cd {root}", f"export OMP_NUM_THREADS={cores}"],
        worker_extra_args=["--lifetime", f"{hours * _HOUR_MIN - 5}m", "--memory-limit", "0"],
        log_directory=str(root / ".harness" / "slurm"),
        scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    )


def main() -> None:
    """Start the cluster and wait."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, required=True, help="Slurm jobs, one run each")
    words.add_argument("--queue", help="partition")
    words.add_argument("--cores", type=int, default=2, help="cores of a run")
    words.add_argument("--memory", default="8GB", help="memory of a run")
    words.add_argument("--hours", type=int, default=4, help="time of a job")
    args = words.parse_args()
    with cluster(
        Path.cwd(),
        queue=args.queue,
        cores=args.cores,
        memory=args.memory,
        hours=args.hours,
    ) as made:
        made.scale(jobs=args.jobs)
        print(made.scheduler_address, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
