"""Two distributions from one repository: what is in them, and that they are reproducible."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import harness
import ptycho_torch
from proofs.distributions import build

MODEL = build.ROOT / "packaging" / "ptycho-torch"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the repository at another place, with other times."""
    return build.copy_tree(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module", params=build.PROJECTS)
def pair(
    request: pytest.FixtureRequest, copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Path], list[Path]]:
    """Return the files of two builds of a project: here, and in the copy with a stray file."""
    out = tmp_path_factory.mktemp("out")
    (copy / "tests").mkdir(exist_ok=True)
    (copy / "tests" / "__init__.py").write_text("")
    os.utime(copy / "harness" / "errors.py", (1e9, 1e9))
    here = build.build(build.ROOT / request.param, out / "here")
    return here, build.build(copy / request.param, out / "there")


def test_a_build_is_the_same_bytes_twice(pair: tuple[list[Path], list[Path]]) -> None:
    """Neither place, times nor what lies beside the package enter wheel or sdist."""
    here, there = pair

    assert len(here) == 2
    assert build.differences(here, there) == []


def test_a_distribution_holds_its_package_alone(pair: tuple[list[Path], list[Path]]) -> None:
    """No test, no example, no second package; every tracked file of the own one."""
    for path in pair[0]:
        package = build.PACKAGES[path.name.split("-")[0]]
        held = {name for name in build.members(path) if name.startswith(f"{package}/")}
        source = {
            p.relative_to(build.ROOT).as_posix()
            for p in (build.ROOT / package).rglob("*")
            if p.is_file() and "__pycache__" not in p.parts
        }

        assert build.foreign_members(path) == []
        assert held == source


def test_what_differs_or_is_foreign_is_named(tmp_path: Path) -> None:
    """The checks see a changed byte, a missing file and a foreign member."""
    wheel = tmp_path / "ptycho_harness-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("harness/__init__.py", "")
        archive.writestr("ptycho_torch/__init__.py", "")
    other = tmp_path / "again" / wheel.name
    other.parent.mkdir()
    shutil.copy(wheel, other)

    assert build.foreign_members(wheel) == ["ptycho_torch/__init__.py"]
    assert build.differences([wheel], [other]) == []
    assert build.differences([wheel], []) == [wheel.name]
    other.write_bytes(wheel.read_bytes() + b"\n")
    assert build.differences([wheel], [other]) == [wheel.name]


def test_an_unpacked_sdist_builds_the_same_wheel(
    pair: tuple[list[Path], list[Path]], tmp_path: Path
) -> None:
    """The sdist is whole: its wheel is the repository's, byte for byte."""
    wheel, sdist = sorted(pair[0], key=lambda path: path.suffix != ".whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build.build(tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "out")

    assert build.differences([wheel], [p for p in again if p.suffix == ".whl"]) == []


def test_the_harness_needs_three_packages(pair: tuple[list[Path], list[Path]]) -> None:
    """Installing the harness installs nothing of any model; each distribution has a licence."""
    wheel = next(path for path in pair[0] if path.suffix == ".whl")
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith("/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    needed = {
        re.split(r"[<>=]", text)[0]
        for text in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in text
    }

    assert metadata["License-File"] == "LICENSE"
    if metadata["Name"] == "ptycho-harness":
        assert needed == {"click", "jinja2", "rfc8785"}
    else:
        assert "torch" in needed
        assert not needed & {"click", "ptycho-harness"}


def test_versions_and_licences_agree() -> None:
    """What is declared twice is the same."""
    for folder, package in ((build.ROOT, harness), (MODEL, ptycho_torch)):
        declared = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        assert declared["project"]["version"] == package.__version__
    assert (MODEL / "LICENSE").read_bytes() == (build.ROOT / "LICENSE").read_bytes()
