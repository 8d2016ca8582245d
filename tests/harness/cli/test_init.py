"""A first harness.toml in a foreign repository."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.config import config_file
from harness.judgement.declaration import load_project


@pytest.mark.parametrize("name", ["plain", 'quo"ted', "back\\slash", "ünï", "new\nline"])
def test_any_folder_gives_a_valid_declaration(tmp_path: Path, name: str) -> None:
    """Whatever the project is called, the declaration can be read back."""
    assert main.main(["init", "-C", str(tmp_path), "--name", name, "-q"]) == 0

    assert load_project(tmp_path).name == name


def test_tests_become_a_stage(tmp_path: Path) -> None:
    """A repository with tests gets them as its suite, and its packages as inputs."""
    for folder in ("tests", "model"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()

    main.main(["init", "-C", str(tmp_path), "-q"])

    suite = load_project(tmp_path).suites["default"]
    assert suite.stages[0].selectors == ("tests",)
    assert suite.inputs == ("model/**/*.py", "tests/**/*.py")


def test_no_tests_give_a_compile_stage(tmp_path: Path) -> None:
    """Without tests the suite proves that the source compiles."""
    (tmp_path / "train.py").write_text("x = 1\n")

    main.main(["init", "-C", str(tmp_path), "-q"])

    (stage,) = load_project(tmp_path).suites["default"].stages
    assert (stage.kind, stage.argv[-1]) == ("command", ".")


def test_declaration_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second init is a mistake and changes nothing."""
    (tmp_path / "harness.toml").write_text("mine")

    assert main.main(["init", "-C", str(tmp_path)]) == 2
    assert (tmp_path / "harness.toml").read_text() == "mine"
    assert capsys.readouterr().err.count("\n") == 1


def test_ignore_file_is_kept(tmp_path: Path) -> None:
    """What git ignored before is ignored after, and nothing is listed twice."""
    (tmp_path / ".gitignore").write_text("*.log\n.harness/")

    main.main(["init", "-C", str(tmp_path), "-q"])

    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines == ["*.log", ".harness/", "hubs/*/"]


def test_schema_lies_beside_the_declaration(tmp_path: Path) -> None:
    """The first line names the schema that is written beside it: the shipped one."""
    main.main(["init", "-C", str(tmp_path), "-q"])

    first = (tmp_path / "harness.toml").read_text().splitlines()[0]
    shipped = Path(config_file.__file__).with_name(config_file.SCHEMA_FILE)
    assert first.startswith("#:schema ")
    assert (tmp_path / first.split()[1]).read_bytes() == shipped.read_bytes()


def test_schema_is_renewed_alone(tmp_path: Path) -> None:
    """An old schema is replaced, from any folder of the project, and nothing else changes."""
    main.main(["init", "-C", str(tmp_path), "-q"])
    before = (tmp_path / "harness.toml").read_bytes()
    (tmp_path / config_file.SCHEMA_FILE).write_text("{}")
    (tmp_path / "below").mkdir()

    assert main.main(["init", "--schema", "-q", "-C", str(tmp_path / "below")]) == 0

    assert len((tmp_path / config_file.SCHEMA_FILE).read_bytes()) > 1000
    assert (tmp_path / "harness.toml").read_bytes() == before
    assert not list((tmp_path / "below").iterdir())


def test_schema_needs_a_project(tmp_path: Path) -> None:
    """Where there is no declaration there is nothing to check."""
    assert main.main(["init", "--schema", "-q", "-C", str(tmp_path)]) == 10
    assert not list(tmp_path.iterdir())


def test_any_encoding_is_kept(tmp_path: Path) -> None:
    """A file that is not UTF-8 keeps its bytes; evidence is bytes for git."""
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9/\n")

    assert main.main(["init", "-C", str(tmp_path), "-q"]) == 0

    assert (tmp_path / ".gitignore").read_bytes() == b"caf\xe9/\n.harness/\nhubs/*/\n"
    assert (tmp_path / ".gitattributes").read_text() == "hubs/** -text\ngolden/** -text\n"


def test_pytest_is_asked_what_it_collects(tmp_path: Path) -> None:
    """The repository's own configuration counts: here tests lie in an unusual place."""
    (tmp_path / "checks").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_files = check_*.py\n")
    source = (
        "import pytest\n\n@pytest.mark.parametrize('x', [1, 2, 3])\ndef test_x(x):\n    pass\n"
    )
    (tmp_path / "checks/check_it.py").write_text(source)

    main.main(["init", "-C", str(tmp_path), "-q"])

    (stage,) = load_project(tmp_path).suites["default"].stages
    assert (stage.selectors, stage.min_collected) == (("checks",), 3)


def test_tests_that_cannot_be_collected_are_told(tmp_path: Path) -> None:
    """The declaration says what pytest said, and keeps the stage."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text("import no_such_module_here\n")

    main.main(["init", "-C", str(tmp_path), "-q"])

    (stage,) = load_project(tmp_path).suites["default"].stages
    assert stage.selectors == ("tests",)
    assert "# pytest could not collect: " in (tmp_path / "harness.toml").read_text()


def test_the_own_environment_of_a_repository_is_declared(tmp_path: Path) -> None:
    """Stages run where the repository's packages are."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)

    main.main(["init", "-C", str(tmp_path), "-q"])

    assert load_project(tmp_path).suites["default"].python == (".venv/bin/python",)
