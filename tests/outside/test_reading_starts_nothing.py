"""Programs that a declaration names are started by who runs its suites, and by nobody else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import ConfigError
from harness.evidence.hub import interpreter
from harness.evidence.numerics import numeric_class
from proofs.fuzz import commands
from proofs.fuzz.place import Place
from tests.builders import hubs
from tests.builders.sealed import Store

MORE = {
    "history": ("history", "tiny", "variance-floor"),
    "reproductions": ("verify", "latest", "--require-fresh"),
    "waivers": ("waive", "--help"),
    "keys": ("ledger", "key", "--help"),
    "fingerprint": ("golden", "show", "tiny", "--json"),
    "matrix": ("status", "tiny"),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test is another user, whose processes know nothing of each other."""
    monkeypatch.setenv(numeric_class.CACHE, str(tmp_path / "cache"))
    forget()
    return tmp_path / "cache"


def forget() -> None:
    """Be another process: nothing is known but what was kept."""
    for module in (interpreter, numeric_class):
        for name in ("_ask", "_read_earlier", "_run"):
            if cached := getattr(module, name, None):
                cached.cache_clear()


def plant(path: Path) -> Path:
    """Write an interpreter that leaves a trace of each start, and works."""
    path.parent.mkdir(parents=True, exist_ok=True)
    trace = path.with_name("started")
    path.write_text(f'#!/bin/sh\necho x >> {trace}\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return trace


def declare_interpreter(root: Path, place: str) -> None:
    """Let the project or its first stage name the planted interpreter."""
    path = root / "harness.toml"
    text, line = path.read_text(), 'python = ["tools/python", "-B"]\n'
    before = {
        "project": "schema = 1\n",
        "suite": "[suites.tiny]\n",
        "stage": 'id = "measure"\n',
    }
    path.write_text(text.replace(before[place], before[place] + line, 1))


def reading(store: Store) -> dict[str, tuple[str, ...]]:
    """Return the words of every command that reads, for a store of one run."""
    made = Place(store.root.parent, store.hub.name, store.hub.name, "tiny-000000")
    return {**commands.table(made), **{k: ("-C", str(store.root), *w) for k, w in MORE.items()}}


@pytest.mark.long
@pytest.mark.parametrize("place", ["project", "suite", "stage"])
def test_no_reading_command_starts_a_declared_interpreter(
    store: Store, place: str, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clone of a stranger is read by all commands; nothing of it runs, nothing is kept."""
    trace = plant(store.root / "tools/python")
    declare_interpreter(store.root, place)
    hubs.commit(store.root, "cloned")

    codes = {name: main(list(words)) for name, words in reading(store).items()}

    assert not trace.exists()
    assert not cache.exists()
    assert 6 not in codes.values(), capsys.readouterr().err
    assert {codes["status"], codes["doctor"]} == {0}


@pytest.mark.parametrize("place", ["project", "suite", "stage"])
def test_status_and_verify_start_no_declared_interpreter(store: Store, place: str) -> None:
    """The two that compare environments say that nobody asked it, and do not ask."""
    trace = plant(store.root / "tools/python")
    declare_interpreter(store.root, place)

    codes = [
        main(["-C", str(store.root), *words]) for words in (["status"], ["verify", "latest"])
    ]

    assert not trace.exists()
    assert codes == [0, 3]


def test_answer_to_a_run_is_taken(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """After a run its own interpreter is known, and the evidence is fresh without a start."""
    trace = plant(store.root / "tools/python")
    declare_interpreter(store.root, "suite")
    assert main(["-C", str(store.root), "run", "tiny"]) == 0
    trace.unlink()
    forget()

    code = main(["-C", str(store.root), "status", "--check"])

    assert code == 0, capsys.readouterr()
    assert not trace.exists()


def test_answer_of_a_changed_environment_is_not_taken(tmp_path: Path) -> None:
    """What is installed since the run changes its folder: then nobody knows, until one asks."""
    packages, program = tmp_path / "site", tmp_path / "python"
    packages.mkdir()
    facts = dict.fromkeys(("python", "implementation", "platform", "machine"), "x")
    said = json.dumps({**facts, "packages": {"click": "8"}, "places": [str(packages)]})
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    words = (str(program),)
    before = interpreter.describe(words, tmp_path, may_start=True)
    forget()
    assert interpreter.describe(words, tmp_path, may_start=False) == before

    (packages / "click-9.dist-info").mkdir()
    forget()

    with pytest.raises(ConfigError, match="no answer of it as it is now"):
        interpreter.describe(words, tmp_path, may_start=False)


def test_own_interpreter_is_asked_and_nothing_kept(store: Store, cache: Path) -> None:
    """Where no interpreter is declared, the machine's class is known and no file is written."""
    code = main(["-C", str(store.root), "status", "--check"])

    assert code == 0
    assert not cache.exists()


@pytest.mark.parametrize("content", ["[]", "{}", '{"packages": 1}', "[" * 10_000, "\0"])
def test_damaged_answer_is_none(tmp_path: Path, cache: Path, content: str) -> None:
    """Whatever lies where answers are kept, it is an answer or none."""
    words = (sys.executable, "-B")
    before = interpreter.describe(words, tmp_path, ("click",), may_start=True)
    (answer,) = cache.glob("*.json")
    forget()
    assert interpreter.describe(words, tmp_path, ("click",), may_start=False) == before

    answer.write_text(content)
    forget()

    with pytest.raises(ConfigError, match="no answer"):
        interpreter.describe(words, tmp_path, ("click",), may_start=False)


def test_question_of_another_program_has_no_answer() -> None:
    """An answer belongs to the program that gave it."""
    numeric_class.write_kept(["a"], {"x": "y"})

    assert numeric_class.read_kept(["a"]) == {"x": "y"}
    assert numeric_class.read_kept(["b"]) is None
