"""Digests of many files: as hashlib gives them, in order, and none of a file that changes."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from harness.errors import IntegrityError
from harness.evidence.hub import digest

_BUFFER = 256 << 10
SIZES = (0, 1, 10_007, _BUFFER - 1, _BUFFER, _BUFFER + 1, 2 * _BUFFER, 3 * _BUFFER + 17)


def _write(folder: Path, sizes: tuple[int, ...]) -> list[tuple[str, int]]:
    jobs = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.bin"
        path.write_bytes(os.urandom(size))
        jobs.append((str(path), size))
    return jobs


def test_digests_are_those_of_hashlib(tmp_path: Path) -> None:
    """Around every multiple of the buffer, alone or among others, a digest is SHA-256's."""
    jobs = _write(tmp_path, SIZES)
    expected = [hashlib.sha256(Path(name).read_bytes()).hexdigest() for name, _ in jobs]

    assert [digest.sha256(Path(name)) for name, _ in jobs] == expected
    assert digest.sha256_all(jobs) == expected
    assert digest.sha256_all(jobs[:3]) == expected[:3]


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_trouble_stays_where_it_is(
    tmp_path: Path, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing and overlong files, small and large, are named; the others are digested."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    jobs = _write(tmp_path, SIZES)
    sizes: list[int] = []
    for broken in (1, 6):
        Path(jobs[broken][0]).unlink()
    jobs[2] = (jobs[2][0], SIZES[2] - 1)
    jobs[7] = (jobs[7][0], SIZES[7] - 1)

    digests = digest.sha256_all(jobs, sizes.append)

    wrong = [
        index for index, answer in enumerate(digests) if isinstance(answer, IntegrityError)
    ]
    assert wrong == [1, 2, 6, 7]
    assert sorted(sizes) == sorted(size for _, size in jobs)
    assert digests[5] == hashlib.sha256(Path(jobs[5][0]).read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [1000, _BUFFER, _BUFFER + 5])
@pytest.mark.parametrize("change", [-3, 3])
def test_change_while_reading_is_seen(
    tmp_path: Path, size: int, change: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that grows or shrinks once its size is known has no digest."""
    ((name, _),) = _write(tmp_path, (size,))
    real = os.fstat

    def then_changed(handle: int) -> os.stat_result:
        status = real(handle)
        os.truncate(name, size + change)
        return status

    monkeypatch.setattr(os, "fstat", then_changed)

    with pytest.raises(IntegrityError) as caught:
        digest.sha256(Path(name))
    assert caught.value.found == "a file that changes while it is read"


def test_interruption_stops_every_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever interrupts waits for the files that were begun, not for all that are left."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    jobs = _write(tmp_path, (10, *[_BUFFER + 1] * 200))
    read: list[int] = []
    is_over = threading.Event()

    def done(size: int) -> None:
        read.append(size)
        if size == jobs[0][1]:
            is_over.set()
            raise KeyboardInterrupt
        is_over.wait(timeout=10)
        time.sleep(0.005)

    with pytest.raises(KeyboardInterrupt):
        digest.sha256_all(jobs, done)
    assert len(read) < len(jobs)
