"""The declaration of a project: what is accepted, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config import config_file
from harness.errors import ConfigError, NotAProjectError
from harness.judgement.declaration import load_project
from tests.builders import hubs

STAGE = hubs.writing()


def refused(root: Path, **keys: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        hubs.project(root, **keys)
    return caught.value


def test_own_declaration_is_accepted() -> None:
    """The project's own harness.toml loads, and the short suite inherits the long one."""
    project = load_project(Path(__file__).parents[3])

    long, short = project.suites["forward-parity"], project.suites["quick"]
    assert [s.id for s in short.stages] == [s.id for s in long.stages]
    assert "forward-parity" in {g.id for g in long.guards}
    assert short.parameters["gridsize"] == long.parameters["gridsize"]
    assert short.parameters["groups"] != long.parameters["groups"]


def test_child_suite_overrides_by_key_and_id(tmp_path: Path) -> None:
    """A child suite merges parameters, replaces by id, adds, and leaves out."""
    extra = {**hubs.FLOOR, "id": "ceiling", "max": 9.0}
    child = {
        "extends": "tiny",
        "parameters": {"value": "4"},
        "stages": [hubs.writing("7"), hubs.command("more", "pass")],
        "guards": [extra],
        "without": ["floor"],
    }

    made = hubs.project(tmp_path, child=child, tiny=hubs.suite()).suites["child"]

    assert made.description == "A value and its floor."
    assert made.parameters == {"value": "4"}
    assert [(s.id, s.argv[-1]) for s in made.stages] == [("make", "7"), ("more", "pass")]
    assert [g.id for g in made.guards] == ["ceiling"]
    assert made.guards[0].options["max"] == 9.0


def test_line_of_bounds_is_a_guard(tmp_path: Path) -> None:
    """It judges as a guard of kind bound does, has a remedy, and a child may replace it."""
    line = {"metric": "out:value", "min": 1.0}
    child = {"extends": "tiny", "bounds": {"least": {**line, "severity": "warn"}}}
    tiny = hubs.suite(guards=[hubs.FLOOR], bounds={"least": line, "most": {**line, "max": 2.0}})

    made = hubs.project(tmp_path, child=child, tiny=tiny)

    guards = {guard.id: guard for guard in made.suites["tiny"].guards}
    assert list(guards) == ["floor", "least", "most"]
    assert (guards["least"].kind, guards["least"].options) == ("bound", line)
    assert "harness explain" in guards["least"].remedy
    severities = [guard.severity for guard in made.suites["child"].guards]
    assert severities == ["fail", "warn", "fail"]
    record = hubs.run(made).record
    assert [(g.id, g.verdict.value) for g in record.guards if g.id in guards] == [
        ("floor", "green"),
        ("least", "green"),
        ("most", "red"),
    ]


BAD = {
    "bound-twice": (
        {"tiny": hubs.suite(bounds={"floor": {"metric": "out:value", "min": 1}})},
        "guards[1].id",
        "Rename",
    ),
    "bound-of-another-kind": (
        {"tiny": hubs.suite(bounds={"x": {"metric": "out:value", "kind": "golden"}})},
        "guard x",
        "this guard",
    ),
    "unknown-top-key": ({"top": {"pollicies": {}}}, "pollicies", "policies"),
    "schema": ({"top": {"schema": 7}}, "schema", "matching release"),
    "name-type": ({"top": {"name": 4}}, "name", "Change"),
    "work-outside": ({"top": {"work": "../x"}}, "work", "relative"),
    "unknown-suite-key": ({"tiny": hubs.suite(gaurds=[])}, "gaurds", "guards"),
    "unknown-stage-key": (
        {"tiny": hubs.suite({**STAGE, "timeout": 3})},
        "timeout",
        "timeout_s",
    ),
    "stage-kind": ({"tiny": hubs.suite({**STAGE, "kind": "comand"})}, "kind", "command"),
    "stage-number": ({"tiny": hubs.suite({**STAGE, "timeout_s": 0})}, "timeout_s", "bound"),
    "stage-text": ({"tiny": hubs.suite({**STAGE, "timeout_s": "9"})}, "timeout_s", "Change"),
    "stage-shell": ({"tiny": hubs.suite({**STAGE, "argv": "ls | wc"})}, "argv", "Change"),
    "stage-no-argv": ({"tiny": hubs.suite({**STAGE, "argv": []})}, "argv", "Add"),
    "stage-twice": ({"tiny": hubs.suite(STAGE, STAGE)}, "stages[1].id", "Rename"),
    "stage-id": ({"tiny": hubs.suite({**STAGE, "id": "../x"})}, "../x", "Rename"),
    "mixed-kinds": ({"tiny": hubs.suite({**STAGE, "selectors": ["t"]})}, "selectors", "Remove"),
    "no-stage": ({"tiny": hubs.suite(stages=[])}, "tiny", "stages"),
    "needs": ({"tiny": hubs.suite(hubs.writing(needs=["mak"]))}, "needs", "make"),
    "own-need": ({"tiny": hubs.suite(hubs.writing(needs=["make"]))}, "make", "cycle"),
    "placeholder": ({"tiny": hubs.suite(hubs.writing("{valu}"))}, "{valu}", "value"),
    "dataset-role": ({"tiny": hubs.suite(datasets=["trian"])}, "datasets[0]", "None"),
    "artifact-path": (
        {"tiny": hubs.suite({**STAGE, "artifacts": [{"id": "a", "path": "../a"}]})},
        "'a'",
        "..",
    ),
    "artifact-twice": (
        {"tiny": hubs.suite({**STAGE, "artifacts": [hubs.OUT, hubs.OUT]})},
        "out",
        "Rename",
    ),
    "guard-bound": (
        {"tiny": hubs.suite(guards=[{k: v for k, v in hubs.FLOOR.items() if k != "min"}])},
        "floor",
        "Correct",
    ),
    "guard-option": (
        {"tiny": hubs.suite(guards=[{**hubs.FLOOR, "maxx": 3}])},
        "floor",
        "Correct",
    ),
    "guard-twice": ({"tiny": hubs.suite(guards=[hubs.FLOOR] * 2)}, "guards[1].id", "Rename"),
    "guard-remedy": (
        {"tiny": hubs.suite(guards=[{**hubs.FLOOR, "remedy": " "}])},
        "remedy",
        "",
    ),
    "guard-severity": (
        {"tiny": hubs.suite(guards=[{**hubs.FLOOR, "severity": "wran"}])},
        "severity",
        "warn",
    ),
    "guard-policy": (
        {
            "top": {"policies": {"P-1": "x"}},
            "tiny": hubs.suite(guards=[{**hubs.FLOOR, "policies": ["P-2"]}]),
        },
        "floor",
        "P-1",
    ),
    "extends": ({"tiny": hubs.suite(), "b": {"extends": "tyni"}}, "extends", "tiny"),
    "extends-cycle": ({"a": {"extends": "b"}, "b": {"extends": "a"}}, "extends", "cycle"),
    "without": (
        {"tiny": hubs.suite(), "b": {"extends": "tiny", "without": ["flor"]}},
        "without[0]",
        "floor",
    ),
    "reserved": ({"blockers": hubs.suite()}, "blockers", "Rename"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_declaration_is_one_line(tmp_path: Path, name: str) -> None:
    """A wrong declaration exits 2 with one line: the key path and advice."""
    keys, where, advice = BAD[name]

    error = refused(tmp_path, **keys)

    assert error.exit_code == 2
    assert where in error.where or where in error.found
    assert advice in error.remedy
    assert "\n" not in str(error)


def test_cycle_of_needs_is_drawn(tmp_path: Path) -> None:
    """Stages that need each other are refused with the way round."""
    first = hubs.command("a", "pass", needs=["b"])
    second = hubs.command("b", "pass", needs=["a"])

    assert refused(tmp_path, tiny=hubs.suite(first, second)).found == "a → b → a"


def test_broken_syntax_names_the_line(tmp_path: Path) -> None:
    """A file that is no TOML is refused with the line."""
    (tmp_path / "harness.toml").write_text("schema = 1\nname = = 3\n")

    with pytest.raises(ConfigError) as caught:
        load_project(tmp_path)

    assert "line 2" in caught.value.found


def test_project_is_found_from_below(tmp_path: Path) -> None:
    """The nearest harness.toml above is the project; without one the error says so."""
    below = hubs.declare(tmp_path / "here") / "source"

    assert config_file.find_root(below) == (tmp_path / "here").resolve()
    with pytest.raises(NotAProjectError) as caught:
        config_file.find_root(tmp_path)
    assert caught.value.exit_code == 10


def test_unknown_suite_offers_the_nearest(tmp_path: Path) -> None:
    """A mistyped suite is answered with the one that was meant."""
    project = hubs.project(tmp_path)

    with pytest.raises(ConfigError) as caught:
        config_file.find_suite(project, "tyni")

    assert "tiny" in caught.value.remedy
