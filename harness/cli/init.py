"""``harness init``: a first ``harness.toml`` for any repository; asks nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from harness import files
from harness.cli import ci_files, options, proposal, survey
from harness.cli.options import Session
from harness.config import config_file
from harness.errors import ConfigError
from harness.files import real_path
from harness.judgement.declaration import load_project, read_declaration

EXAMPLES = """\b
Examples:
  cd my-model && harness init && harness run default
  harness init -C ../other-model --name other
  harness init --from-command "python train.py --epochs 2 --output out"
  harness init --ci github
"""
_NOT_PACKAGES = {"tests", "test", "docs", "examples", "benchmarks", "build", "dist", "scripts"}
_IGNORED = (".harness/", "hubs/*/")
# Sealed bytes: git must not give them the line ends of a machine.
_ATTRIBUTES = ("hubs/** -text", "golden/** -text")
_OWNED = ("/harness.toml", "/golden/", "/waivers/", "/drills/")  # whoever weakens is asked
_HEAD = f"""\
#:schema ./{config_file.SCHEMA_FILE}
# What the harness runs and judges in this repository. `harness run default` is the first step.
schema = 1
name = {{name}}

{{python}}[suites.default]
description = "The tests of this repository."
# Evidence is fresh as long as these files are the same; they are globs from this folder.
inputs = [{{inputs}}]

"""
_PYTEST = """\
[[suites.default.stages]]
id = "tests"
kind = "pytest"
selectors = [{selectors}]
# Fewer than were there when this was written is red; raise it as tests are added.
min_tests = 1
min_collected = {count}
timeout_s = 900
"""
_PYTHON = """\
# Runs the stages: the environment of this repository, not the one of the harness.
python = {python}

"""
_COMPILE = """\
# There is no test yet: this stage only proves that the source compiles.
[[suites.default.stages]]
id = "compile"
kind = "command"
argv = ["{{python}}", "-m", "compileall", "-q", "-f", {packages}]
timeout_s = 300
"""
_TAIL = """\

# A command stage runs an argument vector and declares the files it writes into {work}:
#
# [[suites.default.stages]]
# id = "train"
# kind = "command"
# argv = ["{python}", "train.py", "--output", "{work}"]
# artifacts = [{ id = "metrics", path = "metrics.json" }]
#
# A guard judges a number of an artifact; exit code 0 alone is not green:
#
# [[suites.default.guards]]
# id = "loss-ceiling"
# kind = "bound"
# metric = "metrics:final_loss"
# max = 0.5
# remedy = "The loss did not come down: look at the learning rate and the data."
"""


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--name", help="Name of the project; the folder's name without it.")
@click.option(
    "--schema",
    "is_schema_alone",
    is_flag=True,
    help=f"Write {config_file.SCHEMA_FILE} for editors anew, and nothing else.",
)
@click.option(
    "--from-command",
    "from_command",
    help="Run this once here, look at what it wrote, and propose a suite with guards from it.",
)
@click.option(
    "--ci",
    type=click.Choice(sorted(ci_files.SERVICES)),
    help="Write a file for this CI service too; it is never overwritten.",
)
@options.common
@options.pass_session
def command(
    session: Session,
    name: str | None,
    from_command: str | None,
    ci: str | None,
    *,
    is_schema_alone: bool,
) -> None:
    """Set up the harness in this repository.

    Writes a harness.toml with one suite around what it finds (tests, else the packages), and
    keeps the harness's own files out of git, and git's line ends out of evidence. Never
    overwrites a harness.toml: in a repository that has one, --from-command adds a suite to it
    and --ci a file. Its schema is written beside it, so that an editor completes, explains and
    checks each key.
    """
    if is_schema_alone:
        root = config_file.find_root(session.start)
        session.answer({"written": [_write_schema(root)]}, f"wrote  {config_file.SCHEMA_FILE}")
        return
    root = real_path(session.start)
    target = root / config_file.FILE
    is_new = not target.exists()
    if not is_new and from_command is None and ci is None:
        remedy = "Edit it, add a suite with --from-command, or run: harness status."
        raise ConfigError(str(target), found="a file", expected="none", remedy=remedy)
    before = b"" if is_new else target.read_bytes()
    text = declaration(root, name or root.name) if is_new else before.decode()
    suite = "default"
    if from_command is not None:
        suite, text = _add_suite(root, text, from_command)
    written = []
    if text.encode() != before:
        read_declaration(root, text.encode())
        files.write_text(target, text)
        written.append(config_file.FILE)
    project = load_project(root)
    if is_new:
        written += [_write_schema(root)]
        written += _add_lines(root / ".gitignore", _IGNORED)
        written += _add_lines(root / ".gitattributes", _ATTRIBUTES)
    if ci:
        written.append(ci_files.write_file(ci, root, suite, project.suites[suite].python))
    _tell(session, project.name, suite, written, is_new=is_new)


def _tell(session: Session, name: str, suite: str, written: list[str], *, is_new: bool) -> None:
    lines = [f"wrote  {word}" for word in written]
    owners = [f"{path} @OWNER" for path in _OWNED]
    if is_new:
        lines += ["add    to .github/CODEOWNERS, with who may weaken a rule:"]
        lines += [f"         {line}" for line in owners]
    following = [
        f"harness run {suite}",
        "harness verify --hub latest",
        f"git add {' '.join(dict.fromkeys(written))}",
    ]
    lines += [f"{'then' if i else 'next'}   {word}" for i, word in enumerate(following)]
    answer = {
        "project": name,
        "written": written,
        "code_owners": owners,
        "next": following[0],
        "then": following[1:],
    }
    session.answer(answer, "\n".join(lines))


def _add_suite(root: Path, text: str, words: str) -> tuple[str, str]:
    """Add a suite for a command to a declaration; returns its name and the new text."""
    project = read_declaration(root, text.encode())
    base = project.suites.get("default")
    if base is None or not base.stages:
        raise ConfigError(
            "--from-command",
            found=f"no suite default in {config_file.FILE}",
            expected="one, which the new suite extends",
            remedy="Declare the suite by hand.",
        )
    suite, added = proposal.propose(
        root, words, base.python, [stage.id for stage in base.stages]
    )
    if suite in project.suites:
        raise ConfigError(
            "--from-command",
            found=f"a suite {suite} already",
            expected="a command of another name",
            remedy=f"Edit suites.{suite} in {config_file.FILE}.",
        )
    return suite, text.rstrip("\n") + "\n" + added


def declaration(root: Path, name: str) -> str:
    """Write the text of a ``harness.toml`` for what lies in a repository."""
    packages = _packages(root)
    python = survey.find_environment(root)
    collected = survey.collect_tests(root, python)
    tests = [folder for folder in ("tests", "test") if (root / folder).is_dir()]
    loose = sorted(path.name for path in root.glob("test_*.py"))
    globs = [f"{folder}/**/*.py" for folder in [*packages, *tests]]
    globs += ["*.py"] if any(root.glob("*.py")) else []
    globs += [n for n in ("pyproject.toml", "setup.cfg", "setup.py") if (root / n).is_file()]
    globs += [n for n in ("pytest.ini", "tox.ini") if (root / n).is_file()]
    globs = [glob for glob in globs if any(root.glob(glob))]
    own = _PYTHON.format(python=_quote(python)) if python else ""
    inputs = _write_list(globs or ["**/*.py"])
    head = _HEAD.format(name=_quote(name), inputs=inputs, python=own)
    selectors = list(collected.selectors) or [*tests, *loose]
    if selectors:
        note = f"# {collected.problem}\n" if collected.problem else ""
        stage = _PYTEST.format(selectors=_write_list(selectors), count=collected.count or 1)
        return head + note + stage + _TAIL
    return head + _COMPILE.format(packages=_write_list(packages or ["."])) + _TAIL


def _write_schema(root: Path) -> str:
    shipped = Path(config_file.__file__).with_name(config_file.SCHEMA_FILE)
    files.write_bytes(root / config_file.SCHEMA_FILE, shipped.read_bytes())
    return config_file.SCHEMA_FILE


def _packages(root: Path) -> list[str]:
    """Name the folders that hold source: packages at the top, or ``src``."""
    if (root / "src").is_dir():
        return ["src"]
    names = (path.parent.name for path in root.glob("*/__init__.py"))
    return sorted(name for name in names if name not in _NOT_PACKAGES)


def _quote(word: str) -> str:
    # A JSON string is a TOML basic string.
    return json.dumps(word, ensure_ascii=False)


def _write_list(words: list[str]) -> str:
    return ", ".join(_quote(word) for word in words)


def _add_lines(path: Path, wanted: Sequence[str]) -> list[str]:
    """Add the lines that a file of git lacks; say which file was touched."""
    before = path.read_bytes() if path.is_file() else b""  # in any encoding
    known = {line.strip() for line in before.splitlines()}
    missing = [line.encode() for line in wanted if line.encode() not in known]
    if not missing:
        return []
    gap = b"" if not before or before.endswith(b"\n") else b"\n"
    files.write_bytes(path, before + gap + b"\n".join(missing) + b"\n")
    return [path.name]
