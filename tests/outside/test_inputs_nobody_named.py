"""No file decides in silence: what globs name is followed, and what stages open is told."""

from __future__ import annotations

import json
import os
import py_compile
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.errors import ConfigError
from harness.evidence.hub import inputs
from harness.evidence.hub.inputs import DigestCache
from harness.judgement.declaration import load_project
from harness.records import HubRecord
from harness.reporting import screen
from harness.reporting.terminal import Palette
from harness.verdict import Verdict
from tests.builders import hubs


def ignored(root: Path) -> None:
    (root / ".gitignore").write_text("made/\n")
    (root / "made").mkdir()
    (root / "made/part.py").write_text("A = 1\n")


def link_to_a_file(root: Path) -> None:
    (root / "elsewhere.txt").write_text("A = 1\n")
    (root / "made").mkdir()
    (root / "made/part.py").symlink_to("../elsewhere.txt")


def link_to_a_folder(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real/part.py").write_text("A = 1\n")
    (root / "made").symlink_to("real")


def links_in_a_circle(root: Path) -> None:
    (root / "made").mkdir()
    (root / "made/part.py").write_text("A = 1\n")
    (root / "made/again").symlink_to("../made")


def nested_repository(root: Path) -> None:
    (root / "made").mkdir()
    (root / "made/part.py").write_text("A = 1\n")
    hubs.git(root / "made", "init", "--quiet")


def submodule(root: Path) -> None:
    other = root.parent / "other"
    other.mkdir()
    (other / "part.py").write_text("A = 1\n")
    hubs.commit(other)
    words = ("submodule", "add", "--quiet", str(other), "made")
    hubs.git(root, "-c", "protocol.file.allow=always", *words)


def excluded_by_the_clone(root: Path) -> None:
    (root / ".git/info/exclude").write_text("*.py\n")
    (root / "made").mkdir()
    (root / "made/part.py").write_text("A = 1\n")


def strange_names(root: Path) -> None:
    (root / "made").mkdir()
    (root / "made/part.py").write_text("A = 1\n")
    (root / "made/a\nb ü.py").write_text("B = 1\n")
    (root / os.fsdecode(b"made/\xff.py")).write_text("C = 1\n")


MADE = [
    ignored,
    link_to_a_file,
    link_to_a_folder,
    links_in_a_circle,
    nested_repository,
    submodule,
    excluded_by_the_clone,
    strange_names,
]


@pytest.mark.parametrize("make", MADE)
def test_what_a_glob_names_is_followed(tmp_path: Path, make: Any) -> None:
    """Ignored, linked or another repository's: a file that changes makes evidence stale."""
    suite = hubs.suite(inputs=["source/**/*.py", "made/**/*.py"])
    root = hubs.declare(tmp_path / "p", tiny=suite)
    hubs.commit(root)
    make(root)
    hubs.run(load_project(root))

    before = main.main(["status", "-C", str(root), "--check"])
    (root / "made/part.py").write_text("A = 2\n")
    after = main.main(["status", "-C", str(root), "--check"])

    assert (before, after) == (0, 3)


WRONG = {
    "mistyped glob": ("sorce/**/*.py", "source"),
    "mistyped file": ("source/modell.py", "source/model.py"),
    "folder without a glob": ("source", "source/**/*"),
    "other ending": ("source/*.pyx", ""),
    "way out": ("../*.py", ""),
    "absolute path": ("/etc/*.conf", ""),
    "link that leads nowhere": ("source/gone.py", ""),
    "pipe": ("source/pipe.py", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_glob_that_names_nothing_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """One empty glob among others that name files ends with 2 and the nearest name."""
    glob, nearest = WRONG[name]
    root = hubs.declare(tmp_path, tiny=hubs.suite(inputs=["harness.toml", glob]))
    (root / "source/gone.py").symlink_to("nowhere")
    os.mkfifo(root / "source/pipe.py")

    code = main.main(["run", "tiny", "-C", str(root)])

    said = capsys.readouterr().err
    assert code == 2
    assert nearest in said
    assert len(said.splitlines()) == 1
    assert not list((root / "hubs").rglob("hub.json"))


def test_plan_says_what_each_glob_named(tmp_path: Path) -> None:
    """The plan for people lists the globs with their numbers of files."""
    suite = hubs.suite(inputs=["source/**/*.py", "harness.toml"])

    outcome = hubs.run(hubs.project(tmp_path, tiny=suite))

    plan = (outcome.hub / "plan/plan.md").read_text()
    assert "- `source/**/*.py`: 1 file" in plan
    assert "- `harness.toml`: 1 file" in plan


READS: dict[str, tuple[str, str]] = {
    "a file": ("open('extra/a.txt').read()", "extra/a.txt"),
    "a file by its whole path": ("open(os.path.abspath('extra/a.txt')).read()", "extra/a.txt"),
    "a file by bytes": ("open(b'extra/a.txt').read()", "extra/a.txt"),
    "a file by a descriptor": ("os.read(os.open('extra/a.txt', 0), 9)", "extra/a.txt"),
    "a file to change it": ("open('extra/a.txt', 'r+').read()", "extra/a.txt"),
    "a module": ("sys.path.insert(0, 'extra'); import mod", "extra/mod.py"),
    "a module from elsewhere": (
        "os.chdir('extra'); sys.path.insert(0, ''); import mod",
        "extra/mod.py",
    ),
    "a script in another process": (
        "subprocess.run([sys.executable, 'extra/mod.py'], check=True)",
        "extra/mod.py",
    ),
    "a shell script": ("subprocess.run(['sh', 'extra/a.txt'], check=False)", "extra/a.txt"),
    "a file in a grandchild": (
        "subprocess.run(['sh', '-c', sys.executable + ' extra/reader.py'], check=True)",
        "extra/a.txt",
    ),
    "a file in a forked child": (
        "pid = os.fork()\nif not pid: open('extra/a.txt'); os._exit(0)\nos.waitpid(pid, 0)",
        "extra/a.txt",
    ),
    "a file in a thread": (
        (
            "import threading; t = threading.Thread(target=open, args=('extra/a.txt',));"
            "t.start(); t.join()"
        ),
        "extra/a.txt",
    ),
    "a file through a link": ("open('link/a.txt').read()", "link/a.txt"),
}


def run_reading(root: Path, code: str, **top: Any) -> HubRecord:
    """Run a suite of one stage that is a Python program."""
    stage = {"id": "make", "kind": "command", "argv": ["{python}", "source/program.py"]}
    suite = hubs.suite(stage, inputs=["source/**/*.py"])
    hubs.declare(root, top=top, tiny=suite)
    (root / "source/program.py").write_text(f"import os, subprocess, sys\n{code}\n")
    (root / "extra").mkdir(exist_ok=True)
    (root / "extra/a.txt").write_text("true\n")
    (root / "extra/mod.py").write_text("M = 1\n")
    (root / "extra/reader.py").write_text("open('extra/a.txt').read()\n")
    if not (root / "link").is_symlink():
        (root / "link").symlink_to("extra")
    return hubs.run(load_project(root)).record


@pytest.mark.parametrize("name", READS)
def test_what_is_read_and_not_declared_is_told(tmp_path: Path, name: str) -> None:
    """However a stage comes to a file of the project, the record says that it was read."""
    code, path = READS[name]

    record = run_reading(tmp_path, code)

    assert record.verdict is Verdict.GREEN, record.reason
    assert path in record.stages[0].undeclared
    assert "note  read, not declared" in screen.final(record, "hub", Palette(is_on=False))


@pytest.mark.parametrize(
    "code",
    [
        "open('source/model.py').read()",
        "open(os.path.join(sys.argv[0])).read()",
        "open('extra/new.txt', 'w').write('x')",
        "import json, csv, email",
        "open('/etc/passwd').read()",
        "open('harness.toml').read()",
    ],
)
def test_what_is_declared_or_not_the_project_is_not_told(tmp_path: Path, code: str) -> None:
    """Inputs, new files, the library and the declaration itself are no news."""
    assert run_reading(tmp_path, code).stages[0].undeclared == ()


def test_strict_inputs_turn_it_red(tmp_path: Path) -> None:
    """With strict_inputs a stage that reads what nobody named fails, and says which file."""
    record = run_reading(tmp_path, READS["a file"][0], strict_inputs=True)

    assert record.verdict is Verdict.RED
    assert "extra/a.txt" in record.stages[0].reason


def test_compiled_module_that_hides_its_source_is_told(tmp_path: Path) -> None:
    """A compiled file that is not held against its source decides alone, and is named."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/part.py").write_text("VALUE = 1\n")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(tmp_path / "source/part.py"), invalidation_mode=unchecked)
    (tmp_path / "source/part.py").write_text("VALUE = 2\n")

    record = run_reading(tmp_path, "import part; assert part.VALUE == 1")

    assert any("never held against part.py" in path for path in record.stages[0].undeclared)


def test_what_tests_load_is_told(tmp_path: Path) -> None:
    """Configuration and conftest files that decide on tests are read, and not declared."""
    stage = {"id": "tests", "kind": "pytest", "selectors": ["tests"], "timeout_s": 60}
    suite = hubs.suite(stage, inputs=["source/**/*.py"])
    root = hubs.declare(tmp_path, tiny=suite)
    (root / "tests").mkdir()
    (root / "tests/test_a.py").write_text("def test_a(): pass\n")
    for name in ("tests/conftest.py", "conftest.py"):
        (root / name).write_text("X = 1\n")
    (root / "pytest.ini").write_text("[pytest]\n")

    record = hubs.run(load_project(root)).record

    expected = {"conftest.py", "pytest.ini", "tests/conftest.py", "tests/test_a.py"}
    assert set(record.stages[0].undeclared) == expected


def test_own_customisation_of_a_site_is_kept(tmp_path: Path) -> None:
    """The sitecustomize that the watching one hides is loaded all the same."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("import sys\nsys.flag_of_mine = 7\n")
    stage = hubs.command("make", "x")
    stage["argv"] = ["{python}", "-c", "import sys; assert sys.flag_of_mine == 7"]
    suite = hubs.suite(stage, environment=["PYTHONPATH"])
    root = hubs.declare(tmp_path / "p", tiny=suite)
    argv = [sys.executable, "-m", "harness", "-C", str(root), "run", "tiny", "--json"]
    path = os.pathsep.join((str(tmp_path / "site"), str(Path.cwd())))
    environment = {**os.environ, "PYTHONPATH": path}

    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)


def test_watching_costs_little(tmp_path: Path) -> None:
    """Opening files costs the same as before, within the scatter of ten thousand of them."""
    record = run_reading(
        tmp_path,
        "import time; t = time.process_time()\n"
        "for i in range(10_000): open('source/model.py').close()\n"
        "print(time.process_time() - t); assert time.process_time() - t < 2.0",
    )

    assert record.verdict is Verdict.GREEN


def test_wildcard_passes_by_what_tools_keep(tmp_path: Path) -> None:
    """Virtual environments, caches and the hub store are no inputs, unless they are named."""
    for name in ("env/pyvenv.cfg", "env/lib/a.py", "hubs/b.py", ".tox/c.py", "d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")

    cache = DigestCache(tmp_path / "cache.json")
    digests = inputs.take(tmp_path, ["**/*.py"], cache, (tmp_path / "hubs",))
    named = inputs.take(tmp_path, ["env/lib/*.py"], cache)

    assert (list(digests), list(named)) == (["d.py"], ["env/lib/a.py"])
    with pytest.raises(ConfigError):
        inputs.take(tmp_path, ["nothing/*.py"], cache)
