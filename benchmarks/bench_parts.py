"""The parts of ``make bench``: what each runs, and what became of it, in a run directory.

A part is a benchmark in a process of its own. Its outcome is kept as one file, so that a run
that was interrupted goes on where it stopped; a part that failed is run again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from benchmarks import measured
from benchmarks.measured import Measured

ROOT = Path(__file__).parents[1]
_FOLDERS = re.compile(r"(?:/[\w.@+-]+)+/")
_CODE = ("ptycho_torch", "harness", "benchmarks", "tests/builders")
_MESSAGE_SIZE = 300  # characters of what a failed part said last


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A benchmark and its words, in full and short form.

    Attributes:
        name: As it is asked for.
        title: Heading on the page.
        argv: Module and words of both forms.
        full: Words of the full form, which renews the detailed page.
        quick: Words of the short form, which touches no page; ``{scratch}`` is a folder.
        page: The detailed page, below docs.
        pictures: Its plots, below docs.
        after: Module that writes generated regions anew.
        has_peers: Whether what stands beside the figures is what a user would pick instead.
    """

    name: str
    title: str
    argv: tuple[str, ...]
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    page: str = ""
    pictures: tuple[str, ...] = ()
    after: str = ""
    has_peers: bool = True


PARTS = (
    Part(
        name="model",
        title="Training, inference, stitching, start-up of the model",
        argv=("benchmarks.bench_model",),
        quick=("--quick", "--output", "{scratch}/performance.md"),
        page="performance.md",
    ),
    Part(
        name="quality",
        title="Time to the same phase error",
        argv=("benchmarks.quality",),
        quick=(
            *("--doses", "1e5", "--sweeps", "8", "--epochs", "2", "--only", "cnn-lite"),
            *("--output", "{scratch}"),
        ),
        page="quality.md",
        pictures=("quality/error-against-time.png",),
    ),
    Part(
        name="evidence",
        title="Verification, start-up, cost of a stage, ledger",
        argv=("benchmarks.bench_evidence",),
        quick=("--quick", "--repeats", "3"),
        page="evidence-speed.md",
        pictures=("evidence-speed.svg",),
    ),
    Part(
        name="site",
        title="The site of many hubs",
        argv=("benchmarks.bench_site",),
        full=("--keep",),
        quick=("--hubs", "50"),
        page="site-speed.md",
    ),
    Part(
        name="cluster",
        title="Many runs on simulated workers",
        argv=("benchmarks.bench_cluster", "simulated"),
        full=("--keep",),
        quick=("--workers", "4,8", "--rounds", "4", "--stage", "0.2"),
        page="cluster-speed.md",
        pictures=("pictures/cluster-speed.svg",),
    ),
    Part(
        name="runs",
        title="Many runs on this machine",
        argv=("benchmarks.bench_cluster", "real"),
        full=("--keep",),
        quick=("--runs", "2"),
        page="cluster-speed.md",
    ),
    Part(
        name="memory",
        title="Memory and time against the size of a scan",
        argv=("benchmarks.bench_memory",),
        quick=("--small", "--record", "{scratch}/scaling.json"),
        page="scaling.md",
        pictures=("scaling.svg",),
        after="proofs.docs",
        has_peers=False,
    ),
    Part(
        name="layout",
        title="Hubs, ledger and site against their number",
        argv=("benchmarks.bench_layout",),
        quick=("--small", "--record", "{scratch}/scaling.json"),
        page="scaling.md",
        after="proofs.docs",
        has_peers=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a part.

    Attributes:
        began: When it was started, in local time.
        load: Load average of a minute, before.
        cores: Of the machine.
        commit: Of the code, with a mark where files differed from it.
        seconds: How long it took.
        failure: Why it has no figures; empty where it has.
        figures: What it measured.
    """

    began: str
    load: float
    cores: int
    commit: str
    seconds: float
    failure: str = ""
    figures: list[Measured] = field(default_factory=list)


def words(part: Part, run: Path, more: Sequence[str], *, is_quick: bool) -> list[str]:
    """Return the words of a part's process, the file of its figures last."""
    scratch = run / f"{part.name}-pages"
    own = [word.format(scratch=scratch) for word in (part.quick if is_quick else part.full)]
    return ["-m", *part.argv, *own, *more, "--json", str(_numbers(part, run))]


def perform(part: Part, run: Path, more: Sequence[str], *, is_quick: bool) -> Outcome:
    """Run a part and keep its outcome; what it says goes to a log beside it."""
    run.mkdir(parents=True, exist_ok=True)
    (run / f"{part.name}-pages").mkdir(exist_ok=True)
    _numbers(part, run).unlink(missing_ok=True)
    log, load, commit = run / f"{part.name}.log", os.getloadavg()[0], _commit()
    started, began = time.strftime("%Y-%m-%d %H:%M"), time.perf_counter()
    with log.open("wb") as stream:
        commands = [words(part, run, more, is_quick=is_quick)]
        if part.after and not is_quick:
            commands.append(["-m", part.after])
        codes = [
            subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
            for command in commands
        ]
    seconds = time.perf_counter() - began
    # An exit code may say no more than that a limit was missed; figures are written last.
    failure, figures = _figures(part, run, codes[0], log)
    if not failure and any(codes[1:]):
        failure = f"{part.after} could not renew the pages, exit code {codes[1]}"
    outcome = Outcome(
        began=started,
        load=load,
        cores=os.cpu_count() or 1,
        commit=commit,
        seconds=seconds,
        failure=failure,
        figures=figures,
    )
    keep(part, run, outcome)
    return outcome


def _figures(part: Part, run: Path, code: int, log: Path) -> tuple[str, list[Measured]]:
    try:
        return "", measured.read(_numbers(part, run))
    except FileNotFoundError:
        said = log.read_text("utf-8", errors="replace").strip().splitlines() or ["nothing"]
        message = _FOLDERS.sub("", said[-1])[-_MESSAGE_SIZE:].replace("|", "/")
        return f"exit code {code}; it said: {message}", []
    except ValueError as error:
        return f"its figures cannot be read: {error}", []


def keep(part: Part, run: Path, outcome: Outcome) -> None:
    """Write the outcome of a part into the run directory."""
    partial = run / f".{part.name}.json"
    partial.write_text(json.dumps(asdict(outcome), indent=1), "utf-8")
    partial.replace(run / f"{part.name}.json")


def read_outcome(part: Part, run: Path) -> Outcome | None:
    """Return the outcome of a part that the run directory holds, or None.

    Raises:
        ClickException: The file holds something else.
    """
    path = run / f"{part.name}.json"
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
        return Outcome(**(value | {"figures": measured.decoded(value["figures"])}))
    except (TypeError, KeyError, ValueError) as error:
        remedy = "Measure the part anew with --again."
        raise click.ClickException(f"{path} holds no outcome: {error}. {remedy}") from error


def _numbers(part: Part, run: Path) -> Path:
    return run.absolute() / f"{part.name}.figures.json"


def _commit() -> str:
    """Name the commit, and whether code differs from it: pages do once a part renewed them."""
    name = _git("rev-parse", "--short", "HEAD")
    return f"{name or 'unknown'}{'-dirty' if _git('status', '--porcelain', *_CODE) else ''}"


def _git(*words: str) -> str:
    argv = ["git", *words]
    completed = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True)
    return completed.stdout.strip()
