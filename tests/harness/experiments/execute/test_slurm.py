"""The cluster of the Slurm example: what it would hand to sbatch."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue, of the extra dev")

EXAMPLE = Path(__file__).parents[4] / "examples/slurm/cluster.py"


@pytest.mark.slow
def test_job_script_asks_for_one_run(tmp_path: Path) -> None:
    """A job has the cores and memory of one run, starts in the project and leaves in time."""
    spec = importlib.util.spec_from_file_location("slurm_cluster", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    with example.cluster(tmp_path, queue="short", cores=3, memory="6GB", hours=2) as made:
        script, address = made.job_script(), made.scheduler_address

    directives = dict(re.findall(r"^#SBATCH (\S+?)[ =](\S+)$", script, re.MULTILINE))
    assert directives["-p"] == "short"
    assert directives["--cpus-per-task"] == "3"
    assert directives["-t"] == "02:00:00"
    assert directives["--mem"] == "6G"
    (started,) = [line for line in script.splitlines() if line.startswith(sys.executable)]
    assert f" {address} " in started
    assert "--nthreads 1 " in started
    assert "--lifetime 115m" in started
    lines = script.splitlines()
    assert lines.index(f"cd {tmp_path}") < lines.index(started)
    assert lines.index("export OMP_NUM_THREADS=3") < lines.index(started)
