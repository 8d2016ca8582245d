"""The three executors keep one promise, each in its own way."""

from __future__ import annotations

import importlib.util
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.experiments.execute.factory import DASK, LOCAL, PROCESS, Choice, open_executor
from harness.experiments.execute.unit import ATTEMPTS, Answer, Executor, Unit
from harness.runner.stages.child import Stop

TASKS = "tests.harness.experiments.execute.tasks"
HAS_DASK = importlib.util.find_spec("distributed") is not None
with_dask = pytest.mark.skipif(not HAS_DASK, reason="needs the extra dask")
OWN_PROCESSES = [PROCESS, pytest.param(DASK, marks=[with_dask, pytest.mark.slow])]
ALL = [LOCAL, *OWN_PROCESSES]


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """The executor of a name, two units at a time."""
    with open_executor(Choice(name=request.param, jobs=2)) as made:
        yield made


def units(task: str, count: int, **payload: Any) -> list[Unit]:
    """Units with the values 0 … count − 1."""
    return [
        Unit(
            key=f"{task}-{value}",
            name=str(value),
            task=f"{TASKS}:{task}",
            payload=json.dumps({"value": value, **payload}),
        )
        for value in range(count)
    ]


def answers(executor: Executor, tasks: list[Unit], stop: Stop) -> dict[str, Answer]:
    """All answers by the name of their unit; none comes twice."""
    results = [answer for batch in executor.run(tasks, stop) for answer in batch]
    assert len({answer.unit.key for answer in results}) == len(results)
    return {answer.unit.name: answer for answer in results}


@pytest.mark.parametrize("executor", ALL, indirect=True)
def test_every_unit_is_answered(executor: Executor, stop: Stop) -> None:
    """Seven units on two workers give seven answers, each its own, and mistakes are answers."""
    good = answers(executor, units("double", 7), stop)
    bad = answers(executor, units("refuse", 2), stop)

    assert {n: a.value["value"] for n, a in good.items() if a.value} == {
        str(n): 2 * n for n in range(7)
    }
    assert [a.value["error"]["found"] for _, a in sorted(bad.items()) if a.value] == ["0", "1"]


@pytest.mark.parametrize("executor", OWN_PROCESSES, indirect=True)
def test_lost_worker_is_replaced(executor: Executor, stop: Stop, tmp_path: Path) -> None:
    """A worker killed in the middle costs a further attempt and no answer."""
    (tmp_path / "deaths").write_text("1")

    by_name = answers(executor, units("die_once", 1, folder=str(tmp_path)), stop)

    assert by_name["0"].value is not None
    assert (tmp_path / "deaths").read_text() == "0"


@pytest.mark.parametrize("executor", OWN_PROCESSES, indirect=True)
def test_attempts_are_bounded(executor: Executor, stop: Stop, tmp_path: Path) -> None:
    """A unit that kills every worker is given up, and says so; the others are answered."""
    (tmp_path / "deaths").write_text("99")

    by_name = answers(executor, units("die_once", 1, folder=str(tmp_path)), stop)

    assert by_name["0"].value is None
    assert by_name["0"].lost
    assert (tmp_path / "deaths").read_text() == str(99 - ATTEMPTS)
    assert answers(executor, units("double", 2), stop)["1"].value


@pytest.mark.parametrize("executor", ALL, indirect=True)
def test_stop_reaches_what_is_under_way(executor: Executor, stop: Stop, tmp_path: Path) -> None:
    """After a stop two units are told to end, and the third is never begun."""

    def ask() -> None:
        end = time.monotonic() + 15
        while len(list(tmp_path.glob("began-*"))) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        stop.request(signal.SIGINT)

    asking = threading.Thread(target=ask)
    asking.start()
    answers(executor, units("wait", 3, folder=str(tmp_path)), stop)
    asking.join()

    assert sorted(p.name for p in tmp_path.glob("stopped-*")) == ["stopped-0", "stopped-1"]
    assert len(list(tmp_path.glob("began-*"))) == 2


@pytest.mark.parametrize("name", [LOCAL, PROCESS])
def test_scheduler_belongs_to_dask(name: str) -> None:
    """An address of a scheduler is refused where nobody would call it."""
    with (
        pytest.raises(ConfigError) as caught,
        open_executor(Choice(name=name, scheduler="tcp://x:1")),
    ):
        pass

    assert caught.value.where == "--scheduler"


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the command to install it is given."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ConfigError) as caught, open_executor(Choice(name=DASK)):
        pass

    assert "ptycho-harness[dask]" in caught.value.remedy
