"""What tests of other people's machines tried, as kept, to the table of a page."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Whole files: what their tests try is made after reports of users, case by case.
FILES = (
    "tests/outside/test_*.py",
    "tests/harness/runner/stages/test_sessions.py",
    "tests/harness/runner/session/test_notes.py",
    "tests/harness/cli/test_decisions.py",
    "tests/harness/judgement/gate/test_attacks.py",
)
INSTANCES = Path(__file__).with_name("instances.json")
HEAD = """\
## Outside the laboratory

Inputs made after what users of pytest, DVC, Git, CSV and CI runners report. Each case of the
tests in `tests/outside`, of pytest sessions, decisions and attacks on the gate is an instance;
`python -m proofs.outside` runs them and counts.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One thing that was tried: a case of a test, and whether it came out right."""

    kind: str
    test: str
    case: str
    is_right: bool


def kind_of(path: Path) -> str:
    """Return what a file of tests stands for: the first line of its docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or path.stem
    return docstring.splitlines()[0].rstrip(".")


def write(instances: Sequence[Instance]) -> None:
    """Keep what was tried."""
    listed = [asdict(one) for one in instances]
    INSTANCES.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read() -> list[Instance]:
    """Return what was tried when the tests were last run as a proof."""
    return [Instance(**one) for one in json.loads(INSTANCES.read_text("utf-8"))]


def rows() -> str:
    """Write the table: each kind, its instances tried, and how many came out right."""
    instances = read()
    lines = ["| kind | tried | right |", "|---|---:|---:|"]
    for kind in dict.fromkeys(one.kind for one in instances):
        mine = [one.is_right for one in instances if one.kind == kind]
        lines.append(f"| {kind} | {len(mine)} | {sum(mine)} |")
    lines.append(f"| **all** | {len(instances)} | {sum(one.is_right for one in instances)} |")
    return "\n".join(lines)
