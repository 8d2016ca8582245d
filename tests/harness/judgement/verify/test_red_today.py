"""What is red by rules of today is named, with each file that was judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.judgement.guards import remedies
from harness.judgement.verify import Outcome, blocking, contents, verify
from tests.builders.evidence import evidence, guard
from tests.builders.sealed import Store


@pytest.mark.parametrize("is_declared", [True, False])
def test_cause_is_named_with_or_without_a_declaration(store: Store, is_declared: bool) -> None:  # noqa: FBT001
    """A suite that the declaration does not know any more has the order of its record."""
    store.declare("min = 0.5", "min = 0.9")
    project = store.project
    verified = verify(project, store.hub)
    known = project if is_declared else replace(project, suites={})

    (text,) = blocking.write(known, verified, "0" * 40)

    assert verified.worst is Outcome.RED
    assert "variance-floor" in text
    assert f"harness verify --hub hubs/tiny/{store.hub.name}" in text


def test_each_file_that_was_judged_is_held_to_the_manifest(store: Store) -> None:
    """One that cannot be read does not hide the next one that has changed."""
    names = ["analysis/measure/rows.csv", "analysis/measure/stats.json", "plan/plan.json"]
    (store.hub / names[0]).unlink()
    (store.hub / names[1]).chmod(0o644)
    (store.hub / names[1]).write_text("{}")

    rows = contents.check_read(store.hub, names)

    assert [row.outcome for row in rows] == [Outcome.DAMAGED, Outcome.DAMAGED]
    assert [name in row.found for name, row in zip(names, rows, strict=False)] == [True, True]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("x:a", "0.25"),
        ("x:words", "a b"),
        ("x:gone", "(no x:gone)"),
        ("y:a", "(no y:a)"),
        ("x:many.[*]", "1, 2, 3, …"),
    ],
)
def test_remedy_never_fails(tmp_path: Path, expression: str, text: str) -> None:
    """What is there is filled in, cut where it is much; what is not is said so."""
    values = {"a": 0.25, "words": "a\nb", "many": list(range(1, 40))}
    spec = replace(guard("bound"), remedy="Look at {" + expression + "}.")

    filled = remedies.fill(spec, evidence(tmp_path, {"x.json": values}))

    assert filled.startswith("Look at " + text.rstrip("…").rstrip(", "))
    assert filled.endswith("…." if text.endswith("…") else text + ".")
