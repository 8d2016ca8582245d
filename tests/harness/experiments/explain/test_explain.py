"""Explanations: what changed is found, what it looks like is found, and nothing is made up."""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.config.project import Project
from harness.evidence.numerics import numeric_class
from harness.experiments.explain import source, suspects
from harness.judgement.declaration import load_project
from tests.builders import hubs, reports

MODEL = """\
GAIN = 1


def amplify(value):
    return value * GAIN


class Head:
    def shift(self, value):
        return value + 0.0
"""
READ = (
    "import json, sys; sys.path.insert(0, 'source'); import model;"
    "value = model.Head().shift(model.amplify(3.0));"
    "json.dump({'value': value, 'twice': 2 * value}, open(sys.argv[1], 'w'))"
)
TWICE = {**hubs.FLOOR, "id": "twice", "metric": "out:twice", "min": 2.0}
HIGH = {"id": "high", "kind": "bound", "metric": "out:value", "max": 100.0, "remedy": "Look."}


def declare(root: Path) -> Project:
    stage = hubs.command("make", READ, "{work}/out.json", artifacts=[hubs.OUT])
    stage["argv"].remove("-I")
    suite = hubs.suite(stage, guards=[hubs.FLOOR, TWICE, HIGH])
    hubs.declare(root, tiny=suite)
    (root / "source/model.py").write_text(MODEL)
    (root / "source/other.py").write_text("USED = False\n")
    hubs.commit(root)
    return load_project(root)


def plant(root: Path, before: str, after: str, name: str = "model.py") -> None:
    path = root / "source" / name
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    # Bytecode is reused for a source of the same second and size.
    later = time.time() + 5
    os.utime(path, (later, later))


@pytest.mark.parametrize(
    ("before", "after", "function"),
    [
        ("value * GAIN", "value * 0", "amplify"),
        ("value + 0.0", "value - 9", "Head.shift"),
        ("GAIN = 1", "GAIN = 0", source.MODULE),
        ("value * GAIN", "value / 0", "amplify"),
    ],
)
def test_planted_function_is_the_first_suspect(
    tmp_path: Path, before: str, after: str, function: str
) -> None:
    """What changed since the last green run is named by file and function."""
    project = declare(tmp_path)
    green = hubs.run(project)
    plant(tmp_path, before, after)

    made = suspects.explain(project, hubs.run(project).hub)

    assert made.base == green.record
    assert [file.functions for file in made.files] == [(function,)]
    assert made.suspects[0].what == f"source/model.py: {function}"


def test_log_singles_out_one_of_many(tmp_path: Path) -> None:
    """Of several files that changed, the one that the failure passed through comes first."""
    project = declare(tmp_path)
    hubs.run(project)
    plant(tmp_path, "USED = False", "USED = True", "other.py")
    plant(tmp_path, "value * GAIN", "value / 0")

    made = suspects.explain(project, hubs.run(project).hub)

    assert made.suspects[0].what.startswith("source/model.py")
    assert len(made.files) == 2


def test_nothing_changed_is_not_known(tmp_path: Path, capsys: Any) -> None:
    """Where nothing differs from the green run, nobody is suspected."""
    project = declare(tmp_path)
    hubs.run(project, parameters={"value": "3"})
    (tmp_path / "source/model.py").write_text(MODEL.replace("GAIN = 1", "GAIN = 0"))
    hub = hubs.run(project, parameters={"value": "4"}).hub

    made = suspects.explain(project, hub)

    assert (made.base, made.suspects) == (None, ())
    assert main.main(["explain", str(hub), "-C", str(tmp_path)]) == 0
    assert "I do not know" in capsys.readouterr().out


def test_another_machine_is_named_first(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the last green run was on another machine, that is said before all else."""
    project = declare(tmp_path)
    green = hubs.run(project)
    monkeypatch.setattr(
        numeric_class, "describe", lambda *_, **__: {"numeric_class": "x", "numeric.isa": "VAX"}
    )
    plant(tmp_path, "value * GAIN", "value * 0")
    hub = hubs.run(project).hub

    made = suspects.explain(project, hub)
    assert main.main(["explain", str(hub), "-C", str(tmp_path)]) == 0

    written = capsys.readouterr().out
    assert made.base == green.record
    assert "→ VAX" in written
    assert written.index("another numeric class") < written.index("since")


def test_comments_are_no_change() -> None:
    """A comment or another layout changes no function; another default does."""
    assert source.compare_functions(MODEL, MODEL.replace("GAIN\n", "GAIN  # why\n")) == ()
    assert source.compare_functions(MODEL, MODEL.replace("(value)", "(value=1)")) == (
        "amplify",
    )


_CURVE = (
    "import csv, sys; sys.path.insert(0, 'source'); import model;"
    "rows = [[e, 8.0 / 2 ** (e * model.GAIN), 1.0] for e in range(4)];"
    "csv.writer(open(sys.argv[1], 'w')).writerows([['epoch', 'loss', 'rate'], *rows])"
)


def declare_curve(root: Path) -> Project:
    """Declare a suite that writes a curve and a picture of it."""
    picture = "import shutil, sys; shutil.copyfile('source/map.png', sys.argv[1])"
    table = {"id": "curve", "path": "curve.csv"}
    train = hubs.command("train", _CURVE, "{work}/curve.csv", artifacts=[table])
    train["argv"].remove("-I")
    drawn = {"id": "map", "path": "map.png"}
    draw = hubs.command("draw", picture, "{work}/map.png", artifacts=[drawn])
    least = {**hubs.FLOOR, "metric": "curve:[-1].loss", "min": 0.0, "max": 1.0}
    hubs.declare(root, tiny=hubs.suite(train, draw, guards=[least]))
    (root / "source/model.py").write_text(MODEL)
    (root / "source/map.png").write_bytes(reports.png(8, 8))
    hubs.commit(root)
    return load_project(root)


def test_epoch_at_which_a_curve_parts_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first epoch at which a column differs is named; a column that is alike is not."""
    project = declare_curve(tmp_path)
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")
    hub = hubs.run(project).hub

    (departure,) = suspects.explain(project, hub).departures

    assert (departure.column, departure.at, departure.before, departure.after) == (
        "loss",
        1.0,
        4.0,
        8.0,
    )
    assert main.main(["explain", str(hub), "-C", str(tmp_path)]) == 0
    assert "epoch 1         curve: loss" in capsys.readouterr().out


def test_page_has_the_pictures_of_both_runs(tmp_path: Path) -> None:
    """A page shows the picture that differs beside the one before, and what is said."""
    project = declare_curve(tmp_path)
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")
    (tmp_path / "source/map.png").write_bytes(reports.png(8, 8, 2.0))
    hub = hubs.run(project).hub
    page = tmp_path / "why.html"

    assert main.main(["explain", str(hub), "-C", str(tmp_path), "--output", str(page)]) == 0

    written = page.read_text("utf-8")
    pictures = [reports.png(8, 8), reports.png(8, 8, 2.0)]
    places = [written.index(base64.b64encode(content).decode()) for content in pictures]
    assert places == sorted(places)
    assert "source/model.py: &lt;module&gt;" in written
    inside = ["explain", str(hub), "-C", str(tmp_path), "--output", str(hub / "why.html")]
    assert main.main(inside) == 2


def test_explanation_as_json(tmp_path: Path, capsys: Any) -> None:
    """The newest run that is not green is explained, and the answer can be read by programs."""
    project = declare(tmp_path)
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")
    hubs.run(project)
    capsys.readouterr()

    assert main.main(["explain", "--json", "-C", str(tmp_path)]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer["suspects"][0]["what"] == "source/model.py: <module>"
    assert answer["causes"][0]["guards"] == ["floor", "twice"]
