"""Honest changes: what a maintainer does every week, and what no gate may call weaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from harness.judgement.golden import store
from proofs.weakenings import loosen
from proofs.weakenings.grounds import Ground
from proofs.weakenings.loosen import (
    change_artifact,
    change_golden,
    change_guard,
    change_project,
    change_stage,
    change_suite,
)


@dataclass(frozen=True, slots=True)
class Honest:
    """A change that loosens nothing; ``layout`` rewrites the text of the declaration."""

    name: str
    change: Callable[[Ground], object] = lambda _ground: None
    layout: Callable[[str], str] = lambda text: text
    only: str = ""


def _add_guard(**guard: Any) -> Callable[[Ground], None]:
    def change(ground: Ground) -> None:
        ground.own["guards"].append({"remedy": "Look.", **guard})

    return change


def _narrow(value: store.GoldenValue) -> store.GoldenValue:
    return store.recompute_bounds(replace(value, sd=value.sd / 2))


def _rename_metric(ground: Ground) -> None:
    """Give a metric another name in the model, the guard and the golden."""
    for path in (f"{ground.suite}/model.py",):
        text = ground.files[path]
        assert isinstance(text, str)
        ground.files[path] = text.replace('"mean": 1.5', '"centre": 1.5')
    ground.guard("usual")["metric"] = "stats:centre"
    for id_, keys in (("share", ("numerator",)), ("twins", ("left",))):
        for key in keys:
            ground.guard(id_)[key] = "stats:centre"
    values = ground.goldens[ground.suite]
    ground.goldens[ground.suite] = [
        replace(v, metric="stats:centre", reason="renamed", author="Ned")
        if v.metric == "stats:mean"
        else v
        for v in values
    ]


def _move_model(ground: Ground) -> None:
    """Move the model's file, the argument that names it, and the glob that watches it."""
    old, new = f"{ground.suite}/model.py", f"models/{ground.suite}.py"
    ground.files[new] = ground.files.pop(old)
    argv = ground.stage("make")["argv"]
    argv[argv.index(f"{{root}}/{old}")] = f"{{root}}/{new}"
    ground.own["inputs"].append("models/*.py")
    ground.files[f"drills/{ground.suite}-variance.patch"] = str(
        ground.files[f"drills/{ground.suite}-variance.patch"]
    ).replace(old, new)


def _move_data(ground: Ground) -> None:
    ground.files["data/make.py"] = ground.files.pop("data.py")
    spec = ground.top["datasets"]["train"]
    spec["generate"][2] = "{root}/data/make.py"
    spec["inputs"] = ["data/make.py"]


def _move_tests(ground: Ground) -> None:
    new = "checked/unit/test_checked.py"
    ground.files[new] = ground.files.pop("checked/test_checked.py")
    ground.stage("tests")["selectors"] = [new]
    ground.own["inputs"].append("checked/**/*.py")


def _add_suite(ground: Ground) -> None:
    ground.top["suites"]["another"] = {**ground.own, "quarantine": []}
    ground.goldens["another"] = list(ground.goldens[ground.suite])


def _share_by_inheritance(ground: Ground) -> None:
    """Move everything into a parent, and inherit all of it."""
    parent = {k: v for k, v in ground.own.items() if k not in ("matrix", "quarantine")}
    tables = {key: ground.own[key] for key in ("matrix", "quarantine")}
    ground.top["suites"]["parent"] = parent
    ground.top["suites"][ground.suite] = {"extends": "parent", **tables}


def _reverse(key: str) -> Callable[[Ground], None]:
    def change(ground: Ground) -> None:
        ground.own[key].reverse()

    return change


def _reorder_suites(ground: Ground) -> None:
    ground.top["suites"] = dict(reversed(ground.top["suites"].items()))


def _edit(path: str, addition: str) -> Callable[[Ground], None]:
    def change(ground: Ground) -> None:
        name = path.format(s=ground.suite)
        ground.files[name] = str(ground.files.get(name, "")) + addition

    return change


def _drop_quarantine(ground: Ground) -> None:
    ground.own["quarantine"].clear()


def _rename_drill(ground: Ground) -> None:
    old = f"drills/{ground.suite}-variance.patch"
    ground.files[f"drills/{ground.suite}-large.patch"] = ground.files.pop(old)


def _add_stage(ground: Ground) -> None:
    argv = ["{python}", "-I", "-c", "print('after')"]
    stage = {"id": "after", "kind": "command", "argv": argv, "needs": ["report"]}
    ground.own["stages"].append(stage)


def _add_artifact(ground: Ground) -> None:
    ground.stage("make")["artifacts"].append({"id": "weights", "path": "weights.bin"})


def _say_defaults(ground: Ground) -> None:
    """Write out what holds anyway."""
    ground.guard("usual").update(sides="two", coverage=0.95, missing="inconclusive")
    ground.guard("ceiling").update(severity="fail", absolute=False)
    ground.guard("twins").update(absolute=0.0)


def _move_goldens(ground: Ground) -> None:
    ground.top["golden"] = "reference"


def _add_matrix(ground: Ground) -> None:
    ground.own["matrix"] = {"scales": {"scale": ["1.5", "2.5", "3.5", "4.5"]}}


def _add_policy(ground: Ground) -> None:
    ground.top["policies"]["POLICY-3"] = "Records are distinct."
    ground.guard("records")["policies"] = ["POLICY-3"]


def _refresh_drill(ground: Ground) -> None:
    loosen.change_drill(ground, "@@ -5,1 +5,1 @@\n", "@@ -6,2 +6,2 @@\n # context\n")


def _add_first_golden(ground: Ground) -> None:
    """Calibrate a metric that had no golden, and guard it."""
    value = next(v for v in ground.goldens[ground.suite] if v.metric == "stats:mean")
    ground.goldens[ground.suite].append(
        store.recompute_bounds(replace(value, metric="stats:loss", mean=0.125))
    )
    _add_guard(id="loss", kind="golden", metric="stats:loss")(ground)


_PASSING = "\n\ndef test_d():\n    pass\n"

ALL: tuple[Honest, ...] = (
    Honest("nothing but a commit"),
    Honest("ceiling lowered", change_guard("ceiling", max=4.0)),
    Honest("floor raised", change_guard("ceiling", min=0.2)),
    Honest("a second bound", change_guard("spread", min=0.5)),
    Honest("ratio narrowed", change_guard("share", min=0.95, max=1.05)),
    Honest("tolerance lowered", change_guard("twins", relative=1e-9)),
    Honest("default tolerance", change_guard("twins", relative=None)),
    Honest("larger file asked for", change_guard("there", min_size=12)),
    Honest("more grey levels", change_guard("shows", min_levels=32)),
    Honest("one more line must be there", change_guard("said", must=["done", "loaded"])),
    Honest("one more line must not", change_guard("said", must_not=["WARNING", "nan"])),
    Honest("identity of fewer keys", change_guard("records", unique_by=["batch_idx"])),
    Honest("faster asked for", change_guard("quick", max=20.0)),
    Honest("new bound", _add_guard(id="low", kind="bound", metric="stats:loss", max=0.2)),
    Honest("new default guard", _add_guard(id="rows", kind="default", artifact="rows")),
    Honest("first golden of a metric", _add_first_golden),
    Honest("other words of a remedy", change_guard("ceiling", remedy="Look at the scale.")),
    Honest("other words of a suite", change_suite(description="Another description.")),
    Honest("policy added", _add_policy),
    Honest("guard renamed", change_guard("ceiling", id="variance-ceiling")),
    Honest("defaults written out", _say_defaults),
    Honest("shorter timeout", change_stage("make", timeout_s=20)),
    Honest("stage added at the end", _add_stage),
    Honest("artifact more promised", _add_artifact),
    Honest("artifact no longer optional", change_artifact("rows", optional=False)),
    Honest("more inputs", lambda g: g.own["inputs"].append("data.py")),
    Honest("younger evidence asked for", change_suite(max_age_days=7)),
    Honest("module more required", change_suite(requires={"json": "Python", "csv": "Python"})),
    Honest("quarantine ended", _drop_quarantine),
    Honest("quarantine shortened", loosen.change_quarantine(clean_runs=2)),
    Honest("cell more", _add_matrix),
    Honest("golden narrowed", change_golden(_narrow)),
    Honest("metric renamed with its golden", _rename_metric),
    Honest("goldens in another folder", _move_goldens),
    Honest("model moved", _move_model),
    Honest("dataset's program moved", _move_data),
    Honest("suite added", _add_suite),
    Honest("everything inherited", _share_by_inheritance),
    Honest("suites in another order", _reorder_suites),
    Honest("guards in another order", _reverse("guards")),
    Honest("declaration formatted", layout=lambda text: text.replace(", ", " ,  ")),
    Honest("comments in the declaration", layout=lambda text: f"# Why.\n{text}\n# End.\n"),
    Honest("project renamed", change_project(name="other")),
    Honest(
        "drill added",
        _edit(
            "drills/more.patch",
            "Suite: signal\nGuard: spread\nDefect: x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        ),
    ),
    Honest("drill renamed", _rename_drill),
    Honest("drill fits the code again", _refresh_drill),
    Honest("model edited", _edit("{s}/model.py", "# A comment.\n")),
    Honest("file more", _edit("{s}/more.py", "MORE = 1\n")),
    Honest("test added", _edit("checked/test_checked.py", _PASSING), only="checked"),
    Honest(
        "more must pass",
        lambda g: (
            _edit("checked/test_checked.py", _PASSING)(g),
            g.stage("tests").update(min_tests=4),
        ),
        only="checked",
    ),
    Honest("tests moved", _move_tests, only="checked"),
    Honest(
        "selector of the whole folder",
        change_stage("tests", selectors=["checked"]),
        only="checked",
    ),
    Honest("shorter bound of a test", change_stage("tests", test_timeout_s=10), only="checked"),
)
