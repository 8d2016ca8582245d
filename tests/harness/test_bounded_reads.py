"""One way in for what anybody may have written: no link, no wait, no size believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import files


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.with_name("target").write_bytes(b"secret")
    path.symlink_to("target")


def _large(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_fifo, _link, _large, _device, Path.mkdir, lambda _: None])
def test_what_is_no_small_file_is_refused(tmp_path: Path, make: object) -> None:
    """Refused at once, with an error of the operating system's kind."""
    path = tmp_path / "x"
    make(path)  # type: ignore[operator]

    with pytest.raises(OSError, match="x"):
        files.read_bounded(path, 6)


@pytest.mark.parametrize("size", [0, 1, 6])
def test_a_file_up_to_its_bound_is_read(tmp_path: Path, size: int) -> None:
    """The bound itself is allowed."""
    path = tmp_path / "x"
    path.write_bytes(b"secret"[:size])

    assert files.read_bounded(path, 6) == b"secret"[:size]


def test_one_byte_more_is_refused(tmp_path: Path) -> None:
    """The bound is exact."""
    path = tmp_path / "x"
    path.write_bytes(b"secrets")

    with pytest.raises(OSError, match="over 6 bytes"):
        files.read_bounded(path, 6)
