"""What a change can do to a gate: the ways of loosening a declaration, by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from harness.judgement.golden import store
from proofs.weakenings.grounds import Ground

Loosen = Callable[[Ground], None]


@dataclass(frozen=True, slots=True)
class Weakening:
    """A way to weaken a gate.

    ``rule`` is how the gate has to name it, ``{s}`` the suite; ``runs`` is the suite whose hub
    is judged where the weakened one cannot run, ``only`` the one suite that it fits.
    """

    name: str
    rule: str
    loosen: Loosen
    runs: str = ""
    only: str = ""


def change_guard(id_: str, **keys: Any) -> Loosen:
    """Change keys of a guard; None takes one away."""

    def loosen(ground: Ground) -> None:
        _set(ground.guard(id_), keys)

    return loosen


def change_stage(id_: str, **keys: Any) -> Loosen:
    def loosen(ground: Ground) -> None:
        _set(ground.stage(id_), keys)

    return loosen


def change_suite(**keys: Any) -> Loosen:
    def loosen(ground: Ground) -> None:
        _set(ground.own, keys)

    return loosen


def change_artifact(id_: str, **keys: Any) -> Loosen:
    def loosen(ground: Ground) -> None:
        _set(ground.artifact(id_), keys)

    return loosen


def _set(table: dict[str, Any], keys: dict[str, Any]) -> None:
    for key, value in keys.items():
        if value is None:
            del table[key]
        else:
            table[key] = value


def change_project(**keys: Any) -> Loosen:
    def loosen(ground: Ground) -> None:
        _set(ground.top, keys)

    return loosen


def drop_guard(ground: Ground) -> None:
    ground.own["guards"].remove(ground.guard("ceiling"))


def rename_wider(ground: Ground) -> None:
    ground.guard("ceiling").update(id="roof", max=1e9)


def change_kind(ground: Ground) -> None:
    guard = ground.guard("ceiling")
    for key in ("metric", "min", "max"):
        del guard[key]
    guard.update(kind="artifact", artifact="stats")


def add_default(ground: Ground) -> None:
    rules = ["non-finite", "all-zero", "constant", "duplicate-record"]
    guard = {"id": "lenient", "kind": "default", "artifact": "picture", "allow": rules}
    ground.own["guards"].append({**guard, "remedy": "None."})


def warn_default(ground: Ground) -> None:
    guard = {"id": "lenient", "kind": "default", "artifact": "rows", "severity": "warn"}
    ground.own["guards"].append({**guard, "remedy": "None."})


def drop_stage(ground: Ground) -> None:
    ground.own["stages"].remove(ground.stage("report"))
    ground.own["guards"].remove(ground.guard("there"))


def put_stage_before(ground: Ground) -> None:
    argv = ["{python}", "-I", "-c", "print('prepared')"]
    ground.own["stages"].insert(0, {"id": "prepare", "kind": "command", "argv": argv})


def give_artifact(ground: Ground) -> None:
    stats = ground.artifact("stats")
    ground.stage("make")["artifacts"].remove(stats)
    ground.stage("report")["artifacts"].append(stats)


def drop_artifact(ground: Ground) -> None:
    ground.stage("report")["artifacts"].clear()
    ground.guard("there")["artifact"] = "stats"


def change_stage_kind(ground: Ground) -> None:
    stage = ground.stage("report")
    for key in ("argv", "artifacts"):
        del stage[key]
    ground.own["guards"].remove(ground.guard("there"))
    stage.update(kind="pytest", selectors=["checked/test_checked.py"])


def add_quarantine(kind: str, id_: str) -> Loosen:
    def loosen(ground: Ground) -> None:
        day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=60)
        entry = {kind: id_, "owner": "Tess", "reason": "it is flaky", "expires": day}
        ground.own["quarantine"].append(entry)

    return loosen


def change_quarantine(**keys: Any) -> Loosen:
    def loosen(ground: Ground) -> None:
        ground.own["quarantine"][0].update(keys)

    return loosen


def excuse_longer(ground: Ground) -> None:
    ground.own["quarantine"][0]["expires"] += dt.timedelta(days=30)


def inherit_without(ground: Ground) -> None:
    """Let another suite hold everything, and inherit all but one guard."""
    parent = dict(ground.own)
    parent.pop("matrix")
    ground.top["suites"]["parent"] = parent
    tables = {key: ground.own[key] for key in ("matrix", "quarantine")}
    suite = {"extends": "parent", "without": ["ceiling"], **tables}
    ground.top["suites"][ground.suite] = suite


def delete_suite(ground: Ground) -> None:
    del ground.top["suites"][ground.suite]


def change_golden(change: Callable[[store.GoldenValue], store.GoldenValue | None]) -> Loosen:
    def loosen(ground: Ground) -> None:
        values = ground.goldens[ground.suite]
        made = [change(v) if v.metric == "stats:mean" else v for v in values]
        ground.goldens[ground.suite] = [value for value in made if value is not None]

    return loosen


def widen(value: store.GoldenValue) -> store.GoldenValue:
    return store.recompute_bounds(replace(value, sd=value.sd * 100))


def move(value: store.GoldenValue) -> store.GoldenValue:
    return store.recompute_bounds(replace(value, mean=value.mean + 0.02))


def take_fewer(value: store.GoldenValue) -> store.GoldenValue:
    seeds = value.seeds[:3]
    return store.recompute_bounds(replace(value, n=3, seeds=seeds, sd=value.sd / 10))


def shadow_golden(ground: Ground) -> None:
    """Add a golden of another environment that is looked up in the place of the old one."""
    (old,) = (v for v in ground.goldens[ground.suite] if v.metric == "stats:mean")
    other = {**old.environment, "torch": "9.9.9"}
    wide = replace(widen(old), environment=other, date="2026-02-02T03:04:05Z")
    ground.goldens[ground.suite].append(wide)


def move_resource_mean(ground: Ground) -> None:
    values = ground.goldens[ground.suite]
    ground.goldens[ground.suite] = [
        store.recompute_bounds(replace(v, mean=v.mean + 1, sd=v.sd * 0.9))
        if v.metric.startswith("@")
        else v
        for v in values
    ]


def lend_goldens(ground: Ground) -> None:
    """Borrow the goldens of a suite that has wider ones."""
    ground.top["suites"]["lender"] = {**ground.own, "quarantine": [], "matrix": {}}
    ground.goldens["lender"] = [widen(v) for v in ground.goldens[ground.suite]]
    ground.own["goldens_of"] = "lender"


def change_drill(ground: Ground, before: str, after: str) -> None:
    path = f"drills/{ground.suite}-variance.patch"
    text = ground.files[path]
    assert isinstance(text, str)
    assert before in text
    ground.files[path] = text.replace(before, after)


def delete_drill(ground: Ground) -> None:
    del ground.files[f"drills/{ground.suite}-variance.patch"]


def move_goldens(ground: Ground) -> None:
    ground.top["golden"] = "reference"
    change_golden(widen)(ground)


def move_declaration(ground: Ground) -> None:
    ground.folder = "sub"
    ground.guard("ceiling")["max"] = 1e9


def write_tests(text: str) -> Loosen:
    def loosen(ground: Ground) -> None:
        ground.files["checked/test_checked.py"] = text

    return loosen


def deselect_tests(ground: Ground) -> None:
    ground.files["checked/conftest.py"] = (
        "def pytest_collection_modifyitems(items):\n    items[:] = items[:2]\n"
    )
    ground.stage("tests").update(min_tests=2, min_collected=2)


def choose_by_ini(ground: Ground) -> None:
    ground.files["pytest.ini"] = "[pytest]\naddopts = -k test_a\n"
    ground.stage("tests").update(min_tests=1, min_collected=1)


TWO = "def test_a():\n    pass\n\n\ndef test_b():\n    pass\n"
THREE = TWO + "\n\ndef test_c():\n    pass\n"
SKIP = "import pytest\n\n\n" + TWO + "\n\n@pytest.mark.skip\ndef test_c():\n    pass\n"
XFAIL = "import pytest\n\n\n" + TWO + "\n\n@pytest.mark.xfail\ndef test_c():\n    assert 0\n"
SIGNER = "eve+22f1b0ba+AWNjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj"
