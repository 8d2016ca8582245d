"""A file for a CI service that runs a suite, keeps its hub and gates a change by its base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import files
from harness.errors import ConfigError
from harness.evidence.hub import checkout
from harness.files import real_path
from harness.frozen import dataclass

_GITHUB = """\
# Runs a suite on each pull request, keeps its evidence, and gates it by the rules of its base.
name: harness
on:
  pull_request:
  push:
    branches: [{branch}]
permissions: {{}}
jobs:
  {suite}:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
    defaults:
      run:
        working-directory: {folder}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          fetch-depth: 0
          persist-credentials: false
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0
        with:
          python-version: "3.11"
{steps}
      - run: harness run {suite} --name-hubs .harness-hubs
      - if: always() && github.event_name == 'pull_request'
        env:
          BASE: ${{{{ github.event.pull_request.base.sha }}}}
        run: harness gate --base "$BASE" --hubs .harness-hubs
      - if: always()
        uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        with:
          name: harness-evidence
          path: {prefix}hubs/
"""
_GITLAB = """\
# Runs a suite, keeps its evidence, and gates a merge request by the rules of its target.
harness:
  image: python:3.11
  timeout: 30 minutes
  variables:
    GIT_DEPTH: "0"
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - cd {folder}
{steps}
    - code=0; harness run {suite} --name-hubs .harness-hubs || code=$?
    - base=${{CI_MERGE_REQUEST_TARGET_BRANCH_SHA:-$CI_MERGE_REQUEST_DIFF_BASE_SHA}}
    - if [ -n "$base" ]; then harness gate --base "$base" --hubs .harness-hubs; fi
    - exit "$code"
  artifacts:
    when: always
    paths:
      - {prefix}hubs/
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A CI service: where its file lies from the top of the repository, and what is in it."""

    path: str
    text: str
    step: str


SERVICES = {
    "github": Service(
        path=".github/workflows/harness.yml", text=_GITHUB, step="      - run: {}"
    ),
    "gitlab": Service(path=".gitlab-ci.yml", text=_GITLAB, step="    - {}"),
}


def write_file(service: str, root: Path, suite: str, python: Sequence[str]) -> str:
    """Write the file of a service; returns its path from the project's folder.

    Args:
        service: Name of one of `SERVICES`.
        root: Folder of the project; the file lies at the top of its repository.
        suite: What is run.
        python: Words of the declared interpreter; none for the one of the harness.

    Raises:
        ConfigError: There is such a file already.
    """
    chosen = SERVICES[service]
    root = real_path(root)
    try:
        top = checkout.top_of(root)
    except checkout.GitError:
        top = root  # no repository yet: then this folder will be its top
    target = top / chosen.path
    if target.exists():
        raise ConfigError(
            str(target),
            found="a file",
            expected="none",
            remedy=f"Add what harness does to it by hand: harness run {suite}, harness gate.",
        )
    folder = root.relative_to(top).as_posix()
    text = chosen.text.format(
        suite=suite,
        branch="main",
        folder=folder,
        prefix="" if folder == "." else f"{folder}/",
        steps="\n".join(chosen.step.format(word) for word in _list_installs(root, python)),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(target, text)
    return target.relative_to(root).as_posix() if top == root else str(target)


def _list_installs(root: Path, python: Sequence[str]) -> list[str]:
    """Return the commands that bring harness and project, each where it is declared to be."""
    commands = ["python -m pip install ptycho-harness"]
    own = "python"
    if len(python) == 1 and "/" in python[0]:  # an environment in the project's folder
        commands.append(f"python -m venv {python[0].partition('/')[0]}")
        own = python[0]
    if (root / "requirements.txt").is_file():
        commands.append(f"{own} -m pip install -r requirements.txt")
    if (root / "pyproject.toml").is_file() or (root / "setup.py").is_file():
        commands.append(f"{own} -m pip install -e . pytest")
    return commands
