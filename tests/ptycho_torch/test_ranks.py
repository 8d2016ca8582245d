"""A process finds its place among those that train together, or says what is missing."""

from __future__ import annotations

import pytest

from ptycho_torch import ranks
from ptycho_torch.errors import ConfigError
from ptycho_torch.ranks import Rank

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "SLURM_NTASKS")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def put(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [0, 1, 6, 22])
def test_shares_cover_all_once(size: int, count: int) -> None:
    """Behind each other the shares are everything, and none is larger by two."""
    bounds = [Rank(number=number, count=count).bounds(size) for number in range(count)]

    assert [i for low, high in bounds for i in range(low, high)] == list(range(size))
    sizes = [high - low for low, high in bounds]
    assert max(sizes) - min(sizes) <= 1


def test_one_device_needs_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on one device is alone, whatever a scheduler has left in the environment."""
    put(monkeypatch, RANK="3", LOCAL_RANK="3", WORLD_SIZE="8")

    assert ranks.find_rank(1) == Rank()
    assert Rank().is_alone
    assert Rank().is_first


def test_torchrun_and_slurm_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that torchrun and srun give a process are read."""
    put(monkeypatch, SLURM_PROCID="2", SLURM_NTASKS="4")
    assert ranks.find_rank(4) == Rank(number=2, count=4)
    put(monkeypatch, LOCAL_RANK="0", RANK="1", WORLD_SIZE="4")
    assert ranks.find_rank(4) == Rank(number=1, count=4)


def test_a_slurm_job_is_not_yet_a_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the batch script of a job with one task, the processes are still to be started."""
    put(monkeypatch, SLURM_PROCID="0", SLURM_NTASKS="1")

    assert not ranks.is_started(4)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({}, "--devices"),
        ({"LOCAL_RANK": "0", "RANK": "0"}, "WORLD_SIZE"),
        ({"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "3"}, "WORLD_SIZE"),
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "2"}, "RANK"),
        ({"LOCAL_RANK": "0", "RANK": "2", "WORLD_SIZE": "2"}, "RANK"),
        ({"LOCAL_RANK": "0", "RANK": "-1", "WORLD_SIZE": "2"}, "RANK"),
    ],
)
def test_a_wrong_place_is_refused(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], where: str
) -> None:
    """Nobody, too few, too many, or a number that is none: the variable is named."""
    put(monkeypatch, **values)

    with pytest.raises(ConfigError) as caught:
        ranks.find_rank(2)

    assert caught.value.where == where
