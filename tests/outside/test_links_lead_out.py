"""Links among the inputs that lead out of the project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.judgement.declaration import load_project
from tests.builders import hubs

LEADS_OUT = {
    "folder": ("made", "", "made/**/*.py"),
    "root of the machine": ("made", "/", "made/*.py"),
    "folder below": ("made/below", "", "made/**/*.py"),
    "file": ("made/part.py", "part.py", "made/*.py"),
    "file by its name": ("made/part.py", "part.py", "made/part.py"),
    "file in a linked folder": ("made", "", "made/part.py"),
    "twin of the project": ("made", "../p-twin", "made/*.py"),
}


@pytest.mark.parametrize("name", LEADS_OUT)
def test_link_out_of_the_project_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Who wrote a link does not choose what is read: a run refuses, and what stood is stale."""
    link, target, glob = LEADS_OUT[name]
    for folder in ("out", "p-twin"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.py").write_text("A = 1\n")
    root = hubs.declare(tmp_path / "p", tiny=hubs.suite(inputs=["harness.toml", glob]))
    (root / "made/below").mkdir(parents=True)
    (root / "made/part.py").write_text("A = 1\n")
    hubs.run(load_project(root))
    assert main.main(["status", "-C", str(root), "--check"]) == 0
    path = root / link
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(target if target.startswith("/") else tmp_path / "out" / target)

    codes = [
        main.main([word, "-C", str(root), *more])
        for word, *more in (("status", "--check"), ("run", "tiny"))
    ]

    said = capsys.readouterr()
    assert codes == [3, 2]
    assert "a link out of the project" in said.err
    assert "a link out of the project" in said.out


def test_link_that_no_glob_reaches_is_no_matter(tmp_path: Path) -> None:
    """Links out beside the inputs, in what a wildcard passes by or of other endings, may be."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/part.py").write_text("A = 1\n")
    root = hubs.declare(tmp_path / "p", tiny=hubs.suite(inputs=["source/**/*.py", "*.toml"]))
    for link in ("data", ".venv", "source/.git", "source/table.csv"):
        (root / link).symlink_to(tmp_path / "out")
    (root / "source/table.csv").unlink()
    (root / "source/table.csv").symlink_to(tmp_path / "out/part.py")

    assert main.main(["run", "tiny", "-C", str(root)]) == 0


@pytest.mark.parametrize(
    "target", ["../out/harness.toml", "/dev/zero", "harness.toml", "nowhere"]
)
def test_declaration_is_a_file_of_the_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    """A link of another's making is not opened; one to a file of the project is."""
    root = hubs.declare(tmp_path / "p")
    (root / "configs").mkdir()
    (root / "harness.toml").rename(root / "configs/declared.toml")
    (tmp_path / "out").mkdir()
    shutil.copy(root / "configs/declared.toml", tmp_path / "out/harness.toml")
    (root / "harness.toml").symlink_to("configs/declared.toml")
    assert main.main(["status", "-C", str(root)]) in {0, 3}
    (root / "harness.toml").unlink()
    (root / "harness.toml").symlink_to(target)

    capsys.readouterr()
    code = main.main(["status", "-C", str(root)])

    assert code in {2, 10}
    assert len(capsys.readouterr().err.splitlines()) == 1
