"""A suite proposed from one run of a command, a CI file, a monorepo."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from harness.cli import main
from harness.judgement.declaration import load_project

TRAIN = """\
import argparse, json, pathlib, random
p = argparse.ArgumentParser()
p.add_argument("--output"); p.add_argument("--seed", type=int); p.add_argument("--note")
a = p.parse_args()
out = pathlib.Path(a.output); out.mkdir(parents=True, exist_ok=True)
r = random.Random(a.seed)
loss = [1 / (i + 1) + r.random() / 100 for i in range(3)]
(out / "history.csv").write_text("epoch,loss\\n" + "".join(f"{i},{x}\\n" for i, x in enumerate(loss)))
(out / "metrics.json").write_text(json.dumps({"final": {"rmse": GAIN * loss[-1]}, "epoch": 3}))
pathlib.Path("last.txt").write_text("fixed place")
print("val loss = %.3f" % loss[-1])
"""  # noqa: E501 - lines of a small program
COMMAND = "python train.py --output runs/out --seed 7 --note {x}"


def _init(root: Path, *words: str) -> int:
    return main.main(["init", "-C", str(root), "-q", *words])


def _write(root: Path, gain: str = "1") -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "train.py").write_text(TRAIN.replace("GAIN", gain))


def test_a_command_becomes_a_guarded_suite(tmp_path: Path) -> None:
    """Run, verified, and red when the program is broken: nothing was written by hand."""
    _write(tmp_path)

    assert _init(tmp_path, "--from-command", COMMAND) == 0

    suite = load_project(tmp_path).suites["train"]
    (stage,) = suite.stages
    assert stage.argv[:4] == ("{python}", "train.py", "--output", "{work}/out")
    assert stage.argv[4:] == ("--seed", "{seed}", "--note", "{{x}}")
    assert suite.parameters == {"seed": "7"}
    assert {a.path for a in stage.artifacts} == {"out/history.csv", "out/metrics.json"}
    assert {g.options["metric"] for g in suite.guards} == {
        "history:loss",
        "metrics:final.rmse",
    }
    text = (tmp_path / "harness.toml").read_text()
    assert "no artifact: last.txt" in text
    assert main.main(["-C", str(tmp_path), "run", "train", "-q"]) == 0
    assert main.main(["-C", str(tmp_path), "verify", "--hub", "latest", "-q"]) == 0
    _write(tmp_path, gain="100")
    assert main.main(["-C", str(tmp_path), "run", "train", "-q"]) == 1


def test_a_log_is_enough(tmp_path: Path) -> None:
    """A program that only prints is guarded by what it prints."""
    (tmp_path / "fit.py").write_text("print('epoch 1, val loss = 0.25, lr = 3')\n")

    assert _init(tmp_path, "--from-command", "python fit.py") == 0

    (guard,) = load_project(tmp_path).suites["fit"].guards
    assert guard.options["metric"].startswith("@log:fit:")
    assert main.main(["-C", str(tmp_path), "run", "fit", "-q"]) == 0
    (tmp_path / "fit.py").write_text("print('val loss = 25.0')\n")
    assert main.main(["-C", str(tmp_path), "run", "fit", "-q"]) == 1


def test_a_second_suite_is_added(tmp_path: Path) -> None:
    """What stands in the file stays to the byte; the same command twice is refused."""
    _write(tmp_path)
    _init(tmp_path)
    before = (tmp_path / "harness.toml").read_text()

    assert _init(tmp_path, "--from-command", COMMAND) == 0

    after = (tmp_path / "harness.toml").read_text()
    assert after.startswith(before)
    assert len(load_project(tmp_path).suites) == 2
    assert _init(tmp_path, "--from-command", COMMAND) == 2
    assert (tmp_path / "harness.toml").read_text() == after


@pytest.mark.parametrize(
    "words",
    ["python no_such.py", "no-such-program", "python -c 'raise SystemExit(3)'", "'", ""],
)
def test_a_command_that_fails_writes_nothing(
    tmp_path: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 2, no declaration."""
    assert _init(tmp_path, "--from-command", words) == 2

    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "harness.toml").exists()


def test_a_declaration_is_short(tmp_path: Path) -> None:
    """What is proposed is at most forty lines that say something."""
    _write(tmp_path)
    _init(tmp_path, "--from-command", COMMAND)

    lines = (tmp_path / "harness.toml").read_text().splitlines()
    assert sum(bool(line) and not line.startswith("#") for line in lines) <= 40


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_a_file_for_ci_is_written_on_request(tmp_path: Path, service: str) -> None:
    """YAML with the suite and the gate; a second one is refused and the first kept."""
    import yaml

    _write(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1'\n")
    places = {"github": ".github/workflows/harness.yml", "gitlab": ".gitlab-ci.yml"}
    place = tmp_path / places[service]

    assert _init(tmp_path) == 0
    assert not place.exists()
    assert _init(tmp_path, "--ci", service) == 0

    text = place.read_text()
    assert yaml.safe_load(text)
    assert "harness run default" in text
    assert "harness gate --base" in text
    assert "pip install -e ." in text
    assert _init(tmp_path, "--ci", service) == 2
    assert place.read_text() == text


def test_a_folder_of_a_monorepo(tmp_path: Path) -> None:
    """Pytest is configured at the top; declaration, files and runs are the folder's."""
    inner = tmp_path / "packages/one"
    (inner / "tests").mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (inner / "tests/test_it.py").write_text("def test_it():\n    pass\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "start"], check=True)

    assert _init(inner, "--ci", "github") == 0

    assert load_project(inner).suites["default"].stages[0].selectors == ("tests",)
    assert main.main(["-C", str(inner), "run", "default", "-q"]) == 0
    assert main.main(["-C", str(inner), "verify", "--hub", "latest", "-q"]) == 0
    text = (tmp_path / ".github/workflows/harness.yml").read_text()
    assert "working-directory: packages/one" in text
    assert "path: packages/one/hubs/" in text
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, check=True)
    assert b"hubs" not in status.stdout
    assert tomllib.loads((inner / "harness.toml").read_text())["name"] == "one"
