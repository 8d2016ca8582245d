"""Every difference of a folder from its manifest is named, and nothing else is."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import IntegrityError
from harness.evidence.hub import comparison, inventory

FILES = {
    "hub.json": "{}\n",
    "analysis/a.csv": "1,2\n",
    "plan/plan.md": "plan\n",
    "cli/a.log": "b\n",
}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """Return a listed folder whose files are read-only."""
    root = tmp_path / "hub"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    inventory.write(root)
    set_modes(root, 0o444)
    return root


def list_files(root: Path) -> list[Path]:
    """Return the files of a folder."""
    return [path for path in root.rglob("*") if path.is_file()]


def set_modes(root: Path, mode: int) -> None:
    """Give each file one mode."""
    for path in list_files(root):
        path.chmod(mode)


def rewrite(path: Path, content: bytes) -> None:
    """Change a sealed file, and its mode not."""
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def name_damages(root: Path) -> dict[str, str]:
    """Return what is wrong by path."""
    return {damage.path: damage.found for damage in comparison.compare(root).damages}


def test_what_was_sealed_has_no_damage(hub: Path) -> None:
    """Also where a copy or git gave the owner and the group their write bits back."""
    for mode in (0o444, 0o400, 0o644, 0o664, 0o600):
        set_modes(hub, mode)
        compared = comparison.compare(hub)
        assert (compared.damages, compared.has_forced_modes) == ((), False)
    assert compared.file_count == compared.read_count == len(FILES) + 1


FORBIDDEN = (0o755, 0o777, 0o444 | 0o100, 0o454, 0o445, 0o446, 0o666, 0o4444, 0o2444, 0o1444)


@pytest.mark.parametrize("mode", FORBIDDEN)
def test_a_loosened_mode_is_damage_on_one_file_and_on_all(hub: Path, mode: int) -> None:
    """That all have it is no excuse where the file system keeps what it is told."""
    (hub / "cli/a.log").chmod(mode)
    assert name_damages(hub) == {"cli/a.log": f"mode {mode:04o}"}

    set_modes(hub, mode)
    compared = comparison.compare(hub)
    names = {path.relative_to(hub).as_posix() for path in list_files(hub)}
    assert {damage.path for damage in compared.damages} == names
    assert not compared.has_forced_modes


def keep_no_mode(_path: object, _mode: int) -> None:
    """Do what FAT does."""


def refuse_with(number: int) -> Callable[[object, int], None]:
    """Make a change of mode that fails."""

    def refuse(_path: object, _mode: int) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


FILE_SYSTEMS = [
    (keep_no_mode, True),
    (refuse_with(errno.EPERM), True),
    (refuse_with(errno.ENOTSUP), True),
    (refuse_with(errno.EIO), False),
    (refuse_with(errno.EACCES), False),
]


@pytest.mark.parametrize(("chmod", "is_forced"), FILE_SYSTEMS)
def test_modes_of_a_file_system_that_has_none_are_not_compared(
    hub: Path,
    monkeypatch: pytest.MonkeyPatch,
    chmod: Callable[[object, int], None],
    *,
    is_forced: bool,
) -> None:
    """Said, and the bytes are compared all the same; a disk that fails is no such system."""
    rewrite(hub / "cli/a.log", b"c\n")
    set_modes(hub, 0o777)
    with monkeypatch.context() as patch:
        patch.setattr(os, "chmod", chmod)
        compared = comparison.compare(hub)
    assert compared.has_forced_modes is is_forced
    if is_forced:
        assert [damage.path for damage in compared.damages] == ["cli/a.log"]
    else:
        assert len(compared.damages) == len(list_files(hub))


def test_files_of_different_modes_were_not_forced(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system without modes gives all the same one."""
    (hub / "cli/a.log").chmod(0o777)
    monkeypatch.setattr(os, "chmod", keep_no_mode)
    assert name_damages(hub) == {"cli/a.log": "mode 0777"}


def link_file(path: Path) -> None:
    """Put a link to the same bytes in the place of a file."""
    shutil.move(path, path.parents[2] / "elsewhere")
    path.symlink_to(path.parents[2] / "elsewhere")


DAMAGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("cli/a.log", lambda path: rewrite(path, b"c\n"), "changed, "),
    ("cli/a.log", lambda path: rewrite(path, b"bb\n"), "changed, 3 bytes"),
    ("cli/a.log", lambda path: rewrite(path, b""), "changed, 0 bytes"),
    ("analysis/a.csv", lambda path: path.unlink(), "missing"),
    ("hub.json", lambda path: rewrite(path, b"[]\n"), "changed, "),
    ("cli/b.log", lambda path: path.write_text("x"), "file that is not listed"),
    ("cli/b.log", lambda path: path.symlink_to("a.log"), "link that is not listed"),
    ("cli/empty", lambda path: path.mkdir(), "folder that is not listed"),
    ("cli/a.log", link_file, "link"),
    ("cli/a.log", lambda path: os.link(path, path.parents[2] / "b"), "hard-linked, 2 names"),
    (inventory.MANIFEST, lambda path: path.chmod(0o777), "mode 0777"),
]


@pytest.mark.parametrize(("name", "damage", "words"), DAMAGES)
def test_each_kind_of_damage_is_named(
    hub: Path, name: str, damage: Callable[[Path], object], words: str
) -> None:
    """The file and what is wrong with it; nothing is said of the others."""
    damage(hub / name)
    (only,) = comparison.compare(hub).damages
    assert only.path == name
    assert words in only.found


def test_a_renamed_file_is_said_to_be_one(hub: Path) -> None:
    """Where a missing file went, when an unlisted one has its bytes."""
    (hub / "cli/a.log").rename(hub / "cli/z.log")
    assert name_damages(hub) == {
        "cli/a.log": "renamed to cli/z.log",
        "cli/z.log": "a file that is not listed",
    }


def test_other_line_ends_are_said_to_be_all(hub: Path) -> None:
    """What a checkout with its own ends of line does; with another byte it is a change."""
    rewrite(hub / "cli/a.log", b"b\r\n")
    rewrite(hub / "plan/plan.md", b"plam\r\n")
    damages = name_damages(hub)
    assert damages["cli/a.log"] == comparison.CRLF
    assert damages["plan/plan.md"] == "changed, 6 bytes"


def test_records_are_read_whatever_part_is_asked_for(hub: Path) -> None:
    """A sample leaves payload out, never what decides."""
    rewrite(hub / "cli/a.log", b"c\n")
    rewrite(hub / "hub.json", b"[]\n")
    rewrite(hub / "plan/plan.md", b"plam\n")
    compared = comparison.compare(hub, fraction=0.0)
    assert {damage.path for damage in compared.damages} == {"hub.json", "plan/plan.md"}
    assert compared.read_count == 2


SHAPES: list[tuple[Callable[[Path], object], bool]] = [
    (lambda hub: hub, True),
    (lambda hub: set_modes(hub, 0o777), True),
    (lambda hub: rewrite(hub / "cli/a.log", b"c\n"), True),  # who copies compares the copies
    (lambda hub: rewrite(hub / "cli/a.log", b"cc\n"), False),
    (lambda hub: (hub / "cli/a.log").unlink(), False),
    (lambda hub: link_file(hub / "cli/a.log"), False),
    (lambda hub: os.link(hub / "cli/a.log", hub.parent / "b"), False),
]


@pytest.mark.parametrize(("change", "is_whole"), SHAPES)
def test_shape_is_that_of_the_manifest_before_anything_is_read(
    hub: Path, change: Callable[[Path], object], *, is_whole: bool
) -> None:
    """Files of the sealed sizes, of one name, below no link."""
    change(hub)
    listed = inventory.read_manifest(hub)
    if is_whole:
        comparison.require_shape(hub, listed)
    else:
        with pytest.raises(IntegrityError):
            comparison.require_shape(hub, listed)
