"""What a stage opened inside the project and no input names is reported as read."""

from __future__ import annotations

import os
import py_compile
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import harness
from harness.runner.stages import watch


def write_list(work: Path, *paths: Path, stage: str = "train") -> None:
    """Write which files a stage opened, as the watching Python does."""
    work.mkdir(parents=True, exist_ok=True)
    content = b"".join(os.fsencode(path) + b"\0" for path in paths)
    (work / f"watch-{stage}.list").write_bytes(content)


def write_file(path: Path) -> Path:
    """Write a small file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1\n")
    return path


READS: list[tuple[str, Sequence[str], tuple[str, ...]]] = [
    ("src/a.py", (), ("src/a.py",)),
    ("src/a.py", ("src/a.py",), ()),
    ("src/a.py", ("src/b.py", "a.py", "src"), ("src/a.py",)),
    ("data/scan.npz", ("data/other.npz",), ("data/scan.npz",)),
    ("work/made.json", (), ()),  # the stage's own
    ("hubs/tiny/hub.json", (), ()),  # known by other means
    ("hubs2/a.json", (), ("hubs2/a.json",)),
    ("golden.json", (), ()),
    ("golden.json.bak", (), ("golden.json.bak",)),
    (".git/config", (), ()),
    (".github/a.yml", (), (".github/a.yml",)),
    ("lib/fast.so", (), ("lib/fast.so",)),
]


@pytest.mark.parametrize(("name", "declared", "undeclared"), READS)
def test_each_file_of_the_project_is_held_against_the_inputs(
    tmp_path: Path, name: str, declared: Sequence[str], undeclared: tuple[str, ...]
) -> None:
    """Only the store, the goldens and the working folder are known by other means."""
    work = tmp_path / "work"
    write_list(work, write_file(tmp_path / name))
    own = (tmp_path / "hubs", tmp_path / "golden.json")
    assert watch.find_undeclared(tmp_path, work, "train", declared, own) == undeclared


def test_only_the_package_of_the_harness_is_its_own(tmp_path: Path) -> None:
    """Where the harness lies in the repository it judges, the rest of that is still read."""
    package = Path(harness.__file__).parent
    root = package.parent
    write_list(tmp_path, package / "records.py", root / "pyproject.toml")
    assert watch.find_undeclared(root, tmp_path, "train", (), ()) == ("pyproject.toml",)


def test_only_the_interpreter_of_the_harness_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it lies in the project its own files are no inputs, and what is beside it is."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "tools/env"))
    names = ("tools/env/lib/a.py", "tools/env.py", "tools/b.py")
    write_list(tmp_path / "work", *(write_file(tmp_path / name) for name in names))
    listed = watch.find_undeclared(tmp_path, tmp_path / "work", "train", (), ())
    assert listed == ("tools/b.py", "tools/env.py")


def test_what_is_gone_or_of_another_stage_is_not_listed(tmp_path: Path) -> None:
    """A file that was removed again says nothing of the inputs; nor does another list."""
    write_list(tmp_path / "work", tmp_path / "gone.py", tmp_path)
    write_list(tmp_path / "work", write_file(tmp_path / "a.py"), stage="other")
    assert watch.find_undeclared(tmp_path, tmp_path / "work", "train", (), ()) == ()
    assert watch.find_undeclared(tmp_path, tmp_path / "work", "absent", (), ()) == ()


@pytest.mark.parametrize(("count", "most"), [(3, 3), (4, 3), (9, 3), (1, 0)])
def test_a_long_list_says_how_much_more_there_is(tmp_path: Path, count: int, most: int) -> None:
    """Sorted, each once, and never shortened in silence."""
    paths = [write_file(tmp_path / f"f{number}.py") for number in range(count)]
    write_list(tmp_path / "work", *reversed(paths), *paths)
    listed = watch.find_undeclared(tmp_path, tmp_path / "work", "train", (), (), most=most)
    names = tuple(path.name for path in paths)
    more = () if count <= most else (f"… and {count - most} more",)
    assert listed == (*names[:most], *more)


def compile_file(source: Path, mode: py_compile.PycInvalidationMode) -> Path:
    """Compile a source into its cache folder."""
    target = source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"
    py_compile.compile(str(source), str(target), doraise=True, invalidation_mode=mode)
    return target


MODES = [
    (py_compile.PycInvalidationMode.TIMESTAMP, ("a.py",), ()),
    (py_compile.PycInvalidationMode.TIMESTAMP, (), ("a.py",)),
    (py_compile.PycInvalidationMode.CHECKED_HASH, ("a.py",), ()),
    (
        py_compile.PycInvalidationMode.UNCHECKED_HASH,
        ("a.py",),
        ("__pycache__/a.cpython-311.pyc (never held against a.py)",),
    ),
]


@pytest.mark.parametrize(("mode", "declared", "undeclared"), MODES)
def test_a_compiled_file_stands_for_its_source(
    tmp_path: Path,
    mode: py_compile.PycInvalidationMode,
    declared: Sequence[str],
    undeclared: tuple[str, ...],
) -> None:
    """One that Python never holds against its source is an input of its own."""
    compiled = compile_file(write_file(tmp_path / "a.py"), mode)
    write_list(tmp_path / "work", compiled)
    listed = watch.find_undeclared(tmp_path, tmp_path / "work", "train", declared, ())
    assert listed == undeclared


@pytest.mark.parametrize("name", ["a.so", "a.pyd", "a.pyc", "a.cpython-311-x86_64.so"])
def test_a_compiled_file_that_hides_its_source_is_said_to(tmp_path: Path, name: str) -> None:
    """Python prefers it, so that an edit of the source would change nothing."""
    write_file(tmp_path / "a.py")
    write_list(tmp_path / "work", write_file(tmp_path / name))
    listed = watch.find_undeclared(tmp_path, tmp_path / "work", "train", ("a.py",), ())
    assert listed == (f"{name} (compiled, hides a.py)",)


@pytest.mark.parametrize("path", [None, "", "/lib/one:/lib/two"])
def test_stages_get_the_watching_python_first(tmp_path: Path, path: str | None) -> None:
    """It hides no path of the stage's own, and an old list is not read again."""
    write_list(tmp_path, tmp_path / "old.py")
    before = {"A": "1"} if path is None else {"A": "1", "PYTHONPATH": path}
    made = watch.variables(before, Path("/srv/project"), tmp_path, "train")
    first, *others = made["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "sitecustomize.py").is_file()
    assert others == (path.split(os.pathsep) if path else [])
    assert made["A"] == "1"
    assert made["HARNESS_WATCH_ROOT"] == "/srv/project"
    assert made["HARNESS_WATCH_LIST"] == str(tmp_path / "watch-train.list")
    assert not (tmp_path / "watch-train.list").exists()
