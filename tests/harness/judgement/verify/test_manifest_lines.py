"""Every line of a manifest and of an inventory: changed in any way, it is damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.evidence.hub import inventory
from harness.judgement.verify import contents, sealing
from tests.builders import sealed
from tests.builders.sealed import Store

Lines = list[str]


def find_damages(hub: Path) -> str:
    """Return what the checks of bytes and seal call damage."""
    rows = [*contents.check(hub), *sealing.check(hub, None)]
    return " ".join(f"{row.found} {row.expected}" for row in rows if row.outcome == "damaged")


def read_lines(hub: Path, name: str) -> Lines:
    return (hub / name).read_text("utf-8").splitlines(keepends=True)


def _leave_out(lines: Lines, i: int) -> Lines:
    return lines[:i] + lines[i + 1 :]


def _repeat(lines: Lines, i: int) -> Lines:
    return [*lines[: i + 1], *lines[i:]]


def _swap(lines: Lines, i: int) -> Lines:
    j = i - 1 if i else 1
    changed = list(lines)
    changed[i], changed[j] = changed[j], changed[i]
    return changed


def _change(edit: Callable[[str], str]) -> Callable[[Lines, int], Lines]:
    return lambda lines, i: [*lines[:i], edit(lines[i]), *lines[i + 1 :]]


WAYS: dict[str, Callable[[Lines, int], Lines]] = {
    "left out": _leave_out,
    "repeated": _repeat,
    "exchanged with its neighbour": _swap,
    "another digest": _change(lambda line: ("1" if line[0] != "1" else "2") + line[1:]),
    "a short digest": _change(lambda line: line[1:]),
    "a digest in capitals": _change(lambda line: line[:64].upper() + "A" + line[65:]),
    "another name": _change(lambda line: line.replace("\n", "x\n")),
    "a name that leads out": _change(lambda line: f"{line[:66]}../{line[66:]}"),
    "an absolute name": _change(lambda line: f"{line[:66]}/{line[66:]}"),
    "a star, as for binaries": _change(lambda line: f"{line[:65]}*{line[66:]}"),
    "one space": _change(lambda line: line[:65] + line[66:]),
    "a carriage return": _change(lambda line: line.replace("\n", "\r\n")),
    "nothing": _change(lambda _: "\n"),
    "cut": lambda lines, i: [*lines[:i], lines[i][:40]],
}


@pytest.mark.parametrize("way", WAYS)
def test_each_line_of_the_manifest(store: Store, way: str) -> None:
    """Whatever line is touched, and however, the hub is damaged."""
    lines = read_lines(store.hub, inventory.MANIFEST)
    assert find_damages(store.hub) == ""

    for i in range(len(lines)):
        sealed.write(
            store.hub / inventory.MANIFEST, "".join(WAYS[way](lines, i)).encode("utf-8")
        )
        assert find_damages(store.hub), lines[i]


@pytest.mark.parametrize("way", ["left out", "repeated", "another digest", "another name"])
def test_each_line_of_the_inventory(store: Store, way: str) -> None:
    """The list for people is a file like any other: a changed line is damage of that file."""
    lines = read_lines(store.hub, inventory.INVENTORY)

    for i in range(len(lines)):
        changed = WAYS[way](lines, i)
        if changed == lines:
            continue
        sealed.write(store.hub / inventory.INVENTORY, "".join(changed).encode("utf-8"))
        assert inventory.INVENTORY in find_damages(store.hub), lines[i]


def test_each_line_stands_for_its_file(store: Store) -> None:
    """A file that is missing, longer, shorter or another is named; so is one too many."""
    for line in read_lines(store.hub, inventory.MANIFEST):
        name = line[66:].rstrip("\n")
        path = store.hub / name
        content = path.read_bytes()
        for other in (content + b"x", content[:-1], bytes(len(content))):
            sealed.write(path, other)
            assert name in find_damages(store.hub)
        sealed.write(path, content)
        moved = path.with_name(f"{path.name}.moved")
        path.rename(moved)
        damages = find_damages(store.hub)
        assert name in damages
        assert moved.relative_to(store.hub).as_posix() in damages
        moved.rename(path)
    assert find_damages(store.hub) == ""
