"""A cluster of its own programs: its scheduler and workers are killed and come back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs the extra dask")

from harness.errors import EvidenceMissingError
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Ledger
from harness.experiments.campaign.run import Campaign, Cell, run_campaign
from harness.experiments.execute.cluster import Cluster
from harness.experiments.execute.unit import Unit
from harness.runner.stages.child import Stop
from tests.builders import hubs

ROOT = Path(__file__).parents[4]
SLOW = "import time;time.sleep(0.7);" + hubs.WRITE


class Programs:
    """A scheduler at a fixed address and two workers that somebody starts again."""

    def __init__(self) -> None:
        """Choose a free port."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._over = threading.Event()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._keepers: list[threading.Thread] = []

    def start(self) -> None:
        """Start everything, and whatever ends until ``end``."""
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(self.port)]
        worker = ["worker", self.address, "--nthreads", "1", "--no-nanny"]
        for name, words in (("scheduler", scheduler), ("a", worker), ("b", worker)):
            keeper = threading.Thread(target=self._keep, args=(name, words))
            keeper.start()
            self._keepers.append(keeper)

    def _keep(self, name: str, words: list[str]) -> None:
        while not self._over.is_set():
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "dask", *words, "--no-dashboard"],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=subprocess.DEVNULL,
            )
            self.running[name].wait()

    def kill(self, name: str) -> None:
        """End a program without a word."""
        self.running[name].send_signal(signal.SIGKILL)

    def end(self) -> None:
        """End all of it."""
        self._over.set()
        for process in self.running.values():
            process.kill()
        for keeper in self._keepers:
            keeper.join()


@pytest.fixture
def programs() -> Iterator[Programs]:
    """A cluster that is gone after the test."""
    made = Programs()
    made.start()
    yield made
    made.end()


@pytest.mark.long
def test_lost_worker_and_scheduler_cost_no_hub(tmp_path: Path, programs: Programs) -> None:
    """Both die in the middle; every cell has one hub and one seal, and nobody did anything."""
    stage = hubs.command("make", SLOW, "{work}/out.json", "{value}", artifacts=[hubs.OUT])
    project = hubs.project(tmp_path / "p", tiny=hubs.suite(stage, guards=[hubs.FLOOR]))
    hubs.commit(project.root)
    store = replace(project, hubs=project.hubs / "many", work=project.work / "many")
    cells = [Cell(name=str(v), parameters={"value": str(v)}) for v in range(1, 13)]
    made = Campaign(project=project, store=store, suite="tiny")
    victims = iter(["a", "scheduler"])

    def kill(_: object) -> None:
        if len(done := list(store.hubs.glob("tiny/2*"))) in (2, 5) or len(done) > 5:
            with contextlib.suppress(StopIteration):
                programs.kill(next(victims))

    executor, stop = Cluster(2, programs.address), Stop()
    try:
        results = run_campaign(made, cells, executor, stop, kill)
    finally:
        executor.close()
        stop.close()

    paths = HubStore(store.hubs, store.work).hubs("tiny")
    sealed = [e.subject for e in Ledger(store.work / "ledger.jsonl").walk()]
    assert next(victims, None) is None
    assert [r.verdict for r in results] == ["green"] * 12
    assert len({r.hub for r in results}) == 12
    assert {r.hub for r in results} == set(paths)
    assert sorted(sealed) == sorted(f"tiny/{hub.name}" for hub in paths)


@pytest.mark.slow
def test_scheduler_that_never_answers_is_told() -> None:
    """An address where nobody is ends with exit code 3 and the address."""
    with pytest.raises(EvidenceMissingError) as caught:
        Cluster(1, "tcp://127.0.0.1:9", patience_s=1.0)

    assert "127.0.0.1:9" in caught.value.where


@pytest.mark.slow
def test_many_units_on_many_threads() -> None:
    """A simulated cluster gives each of 200 units its own answer."""
    task = "tests.harness.experiments.execute.tasks:double"
    units = [
        Unit(key=f"k{n}", name=str(n), task=task, payload=json.dumps({"value": n}))
        for n in range(200)
    ]
    executor, stop = Cluster(16, threads=True), Stop()
    try:
        answers = [answer for batch in executor.run(units, stop) for answer in batch]
    finally:
        executor.close()
        stop.close()

    assert sorted(a.value["value"] for a in answers if a.value) == [2 * n for n in range(200)]


@pytest.mark.slow
def test_no_unit_waits_behind_another() -> None:
    """While one worker has a long unit, the other carries out all the rest."""
    pauses = [1.5, *[0.05] * 11]
    units = [
        Unit(
            key=f"{n:064x}",
            name=str(n),
            task="tests.harness.experiments.execute.tasks:where",
            payload=json.dumps({"pause_s": pause}),
        )
        for n, pause in enumerate(pauses)
    ]
    executor, stop = Cluster(2, threads=True), Stop()
    try:
        answers = [answer for batch in executor.run(units, stop) for answer in batch]
    finally:
        executor.close()
        stop.close()

    by = {a.unit.name: a.value["worker"] for a in answers if a.value}
    assert len(by) == len(units)
    assert [name for name, worker in by.items() if worker == by["0"]] == ["0"]
