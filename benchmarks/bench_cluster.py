"""Many runs on many workers, measured: ``make bench-cluster``.

``simulated`` puts 8 to 64 workers on this machine, whose stage is a pause of a second: what is
measured is what coordinator and scheduler add. ``real`` runs a suite of the project with many
seeds, one after the other and on two workers. Each part is kept, and the page shows all.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from benchmarks import cluster_stub, measured
from benchmarks.measured import Measured, at_most
from harness.config.project import MatrixSpec
from harness.evidence.hub.store import HubStore
from harness.experiments import matrix_runs
from harness.experiments.campaign.run import Campaign, Cell, run_campaign
from harness.experiments.execute.cluster import Cluster
from harness.experiments.execute.factory import Choice, open_executor
from harness.judgement.declaration import load_project
from harness.runner import workflow
from harness.runner.stages.child import Stop

_ROOT = Path(__file__).parents[1]
_MEASURED = _ROOT / ".harness" / "bench-cluster.json"
_DOC = _ROOT / "docs" / "cluster-speed.md"
_PICTURE = _ROOT / "docs" / "pictures" / "cluster-speed.svg"
_ADDED = 0.1
_SERIAL = "one after the other"
_SHARE_OF_SERIAL = 0.55  # 1.1 times half of it
_json = click.option(
    "--json", "record", type=click.Path(path_type=Path), help="Figures as numbers."
)
_DECLARATION = """\
schema = 1
name = "many"

[suites.pause]
description = "A pause."
inputs = ["harness.toml"]
parameters = {{ number = "0", stage_s = "{stage_s}" }}

[[suites.pause.stages]]
id = "pause"
kind = "command"
argv = ["sleep", "{{stage_s}}"]
"""


@dataclass(frozen=True, slots=True)
class Simulated:
    """One size of the simulated cluster.

    ``wall_s`` runs from the first plan to the last hub in the ledger, ``ideal_s`` is the
    pauses alone on workers that never wait; ``peak_mb`` is the largest resident size of the
    coordinator, scheduler and simulated workers together.
    """

    workers: int
    runs: int
    stage_s: float
    wall_s: float
    ideal_s: float
    cpu_s: float
    peak_mb: float

    @property
    def overhead(self) -> float:
        """Part of the ideal time that was added."""
        return self.wall_s / self.ideal_s - 1

    @property
    def figures(self) -> list[Measured]:
        """Time and memory as numbers, beside the pauses alone."""
        what = f"{self.runs:,} runs of {self.stage_s:g} s, {self.workers} workers"
        added = Measured(
            what=what,
            value=self.wall_s,
            unit="s",
            peer="the pauses alone",
            beside=self.ideal_s,
            floor=self.ideal_s,
            target="ratio ≤ 1.1",
            holds=self.overhead <= _ADDED,
        )
        return [added, at_most(f"{what}: memory", self.peak_mb, "MB", 500)]


@click.group()
def main() -> None:
    """Measure runs on a simulated cluster and on this machine."""


@main.command()
@click.option("--workers", default="8,16,32,64", show_default=True, help="Sizes, with commas.")
@click.option("--rounds", default=31.25, show_default=True, help="Runs for each worker.")
@click.option("--stage", "stage_s", default=1.0, show_default=True, help="Pause of a run [s].")
@click.option("--store", default=tempfile.gettempdir(), show_default=True, help="Folder.")
@click.option("--keep", is_flag=True, help="Write docs/cluster-speed.md.")
@_json
def simulated(
    workers: str,
    rounds: float,
    stage_s: float,
    store: str,
    keep: bool,  # noqa: FBT001 - click calls it so
    record: Path | None,
) -> None:
    """Grow a cluster of threads whose runs are pauses."""
    rows = []
    for size in map(int, workers.split(",")):
        words = [str(size), str(round(size * rounds)), str(stage_s), store]
        argv = [sys.executable, "-m", "benchmarks.bench_cluster", "one", *words]
        done = subprocess.run(argv, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(Simulated(**json.loads(done.stdout.splitlines()[-1])))
        click.echo(_simulated_row(rows[-1]))
    if keep:
        _keep("simulated", [asdict(row) for row in rows])
    measured.write(record, [figure for row in rows for figure in row.figures])


@main.command(hidden=True)
@click.argument("workers", type=int)
@click.argument("runs", type=int)
@click.argument("stage_s", type=float)
@click.argument("store")
def one(workers: int, runs: int, stage_s: float, store: str) -> None:
    """Measure one size in a program of its own and print it as JSON."""
    folder = Path(tempfile.mkdtemp(prefix="bench-cluster-", dir=store))
    try:
        click.echo(json.dumps(asdict(_simulate(folder, workers, runs, stage_s))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _simulate(folder: Path, workers: int, runs: int, stage_s: float) -> Simulated:
    (folder / "harness.toml").write_text(_DECLARATION.format(stage_s=stage_s))
    project = load_project(folder)
    store = replace(project, hubs=project.hubs / "many", work=project.work / "many")
    made = Campaign(project=project, store=store, suite="pause", task=cluster_stub.TASK)
    cells = [Cell(name=str(n), parameters={"number": str(n)}) for n in range(runs)]
    executor, stop = Cluster(workers, threads=True), Stop()
    try:
        before, began = time.process_time(), time.perf_counter()
        results = run_campaign(made, cells, executor, stop, lambda _: None)
        wall, cpu = time.perf_counter() - began, time.process_time() - before
    finally:
        executor.close()
    _require_whole(store.hubs, {str(result.hub) for result in results}, runs)
    return Simulated(
        workers=workers,
        runs=runs,
        stage_s=stage_s,
        wall_s=wall,
        ideal_s=math.ceil(runs / workers) * stage_s,
        cpu_s=cpu,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    )


def _require_whole(hubs: Path, subjects: set[str], runs: int) -> None:
    """Refuse a measurement in which a hub is missing, or is there or in the ledger twice."""
    project = load_project(hubs.parents[1])
    hubs_present = {str(hub) for hub in HubStore(hubs, project.work).hubs("pause")}
    entries = workflow.ledger_of(replace(project, hubs=hubs)).entries()
    if not (len(hubs_present) == len(subjects & hubs_present) == len(entries) == runs):
        counts = [len(hubs_present), len(subjects), len(entries), runs]
        figures = "{} hubs, {} told, {} entries, {} runs".format(*counts)
        raise click.ClickException(f"not every run is there once: {figures}")


@main.command()
@click.option("--suite", default="quick", show_default=True, help="Suite of this project.")
@click.option("--runs", default=24, show_default=True, help="How many seeds.")
@click.option("--keep", is_flag=True, help="Write docs/cluster-speed.md.")
@_json
def real(
    suite: str,
    runs: int,
    keep: bool,  # noqa: FBT001 - click calls it so
    record: Path | None,
) -> None:
    """Run a suite with many seeds: one after the other, then on two workers."""
    os.environ["OMP_NUM_THREADS"] = "1"  # a worker has one core, whoever it shares them with
    choices = {
        _SERIAL: Choice(),
        "process, 2 workers": Choice(name="process", jobs=2),
        "dask, 2 workers": Choice(name="dask", jobs=2),
    }
    times = {}
    _real(suite, 1, Choice())  # generates the data and fills the caches of the machine
    for name, choice in choices.items():
        times[name] = _real(suite, runs, choice)
        click.echo(f"{name}: {times[name]:.1f} s")
    if keep:
        _keep("real", {"suite": suite, "runs": runs, "times": times})
    measured.write(record, _real_figures(suite, runs, times))


def _real_figures(suite: str, runs: int, times: dict[str, float]) -> Iterator[Measured]:
    """Put every executor beside one run after the other."""
    serial = times[_SERIAL]
    for name, seconds in times.items():
        if name != _SERIAL:
            yield Measured(
                what=f"{runs} runs of suite {suite}, {name}",
                value=seconds,
                unit="s",
                peer=_SERIAL,
                beside=serial,
                floor=serial / 2,
                target="ratio ≤ 0.55",
                holds=seconds <= _SHARE_OF_SERIAL * serial,
            )


def _real(suite: str, runs: int, choice: Choice) -> float:
    """Return the time of all runs in a store that is new and gone afterwards [s]."""
    project = load_project(_ROOT)
    project.work.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-cluster-", dir=project.work))
    own = replace(project, hubs=folder / "hubs", work=folder, caches=project.shared_folder)
    seeds = tuple(str(seed) for seed in range(1, runs + 1))
    spec = MatrixSpec(suite=suite, name="bench", axes={"seed": seeds})
    stop = Stop()
    try:
        began = time.perf_counter()
        with open_executor(choice) as executor:
            cells = matrix_runs.cells(own, spec, {}, {})
            results = matrix_runs.run_matrix(own, spec, cells, executor, stop, lambda _: None)
        spent = time.perf_counter() - began
        if len({result.hub for result in results} - {None}) != runs:
            raise click.ClickException("not every run left a hub")
        return spent
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)  # noqa: S607 - of POSIX
        shutil.rmtree(folder)


def _keep(part: str, value: Any) -> None:
    """Keep a part and write the page of all that are kept."""
    parts = json.loads(_MEASURED.read_text()) if _MEASURED.is_file() else {}
    parts[part] = value
    _MEASURED.parent.mkdir(exist_ok=True)
    _MEASURED.write_text(json.dumps(parts, indent=2))
    _DOC.write_text("\n".join(_page(parts)) + "\n")


def _page(parts: dict[str, Any]) -> list[str]:
    lines = [
        "# Speed of many runs",
        "",
        "Written by `make bench-cluster`. How runs are shared out is in",
        "[Run on a cluster](how-to/cluster.md).",
    ]
    if rows := [Simulated(**row) for row in parts.get("simulated", [])]:
        _draw(rows)
        lines += [
            "",
            "## A simulated cluster",
            "",
            "Workers are threads of the coordinator's own program, on Dask; the stage of a",
            f"run is a pause of {rows[0].stage_s:g} s. Each run leaves a real hub on the disk,",
            "which the coordinator takes in by rename and logs. Left out is what a worker does",
            "with its own processor: git stamp, child processes, guards, pages. *Ideal* is the",
            "pauses alone on workers that never wait; memory is that of coordinator, scheduler",
            "and all workers together.",
            "",
            "| workers | runs | wall | ideal | added | processor | memory |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *map(_simulated_row, rows),
            "",
            "Asked for: 2,000 runs on 64 workers with at most 10 % added, below 500 MB.",
            "",
            "![Runs a second against workers](pictures/cluster-speed.svg)",
        ]
    if real_part := parts.get("real"):
        times = real_part["times"]
        serial = times[_SERIAL]
        lines += [
            "",
            "## Real runs on this machine",
            "",
            f"{real_part['runs']} runs of suite `{real_part['suite']}`, a thread each;",
            "starting the workers counts. Asked for: at most 1.1 times half the serial time.",
            "",
            "| executor | wall | of half the serial time |",
            "| --- | --- | --- |",
            *(f"| {name} | {t:.1f} s | {2 * t / serial:.2f} |" for name, t in times.items()),
        ]
    return lines


def _simulated_row(row: Simulated) -> str:
    return (
        f"| {row.workers} | {row.runs:,} | {row.wall_s:.1f} s | {row.ideal_s:.1f} s "
        f"| {row.overhead:.1%} | {row.cpu_s:.1f} s | {row.peak_mb:.0f} MB |"
    )


def _draw(rows: list[Simulated]) -> None:
    """Draw runs a second against workers, beside the ideal."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only when a page is written

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    workers = [row.workers for row in rows]
    ideal = [row.runs / row.ideal_s for row in rows]
    axes.plot(workers, ideal, "--", color="0.5", label="ideal")
    axes.plot(workers, [row.runs / row.wall_s for row in rows], "o-", label="measured")
    axes.set(xlabel="workers", ylabel="runs per second", xlim=(0, None), ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    _PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(_PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
