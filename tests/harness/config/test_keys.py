"""Every key of harness.toml: what reader and schema accept, refuse, and what comes of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.cli import init
from harness.config import config_file, keys
from harness.config.keys import Key, Kind
from harness.config.project import Project, StageSpec
from harness.config.toml_table import Table
from harness.errors import ConfigError
from harness.judgement.declaration import load_project
from harness.judgement.guards import registry
from tests.builders import declarations

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "harness/config" / config_file.SCHEMA_FILE).read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(
    SCHEMA, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
)
COMPLETE = declarations.complete()
_PLACES = reversed(list(declarations.walk_keys(COMPLETE)))
# Each declared key once, where it first stands.
KEYS = list({id(one): (place, one) for place, one in _PLACES}.values())
WRONG: dict[Kind, tuple[Any, ...]] = {
    Kind.TEXT: (1, 1.5, True, ["a"], {"a": "b"}),
    Kind.INTEGER: ("1", 1.5, True, [1], {"a": 1}),
    Kind.NUMBER: ("1", True, [1.0], {"a": 1.0}),
    Kind.FLAG: ("true", 1, 0.5, [True], {"a": True}),
    Kind.DATE: ("soon", 1, 1.5, True, ["2030-01-01"]),
    Kind.TEXTS: ("a", 1, True, [1], [["a"]], {"a": "b"}),
    Kind.NUMBERS: ("a", 1.5, True, ["1"], [True], [[1.0]], {"a": 1.0}),
    Kind.WORDS: ("", " ", 1, True, [], [""], [1], [["a"]], {"a": "b"}),
    Kind.STRINGS: ("a", 1, True, ["a"], {"a": 1}),
    Kind.RECORDS: ("a", 1, True, ["a"], {"a": "b"}),
    Kind.NAMED: ("a", 1, True, ["a"], {"a": "b"}),
    Kind.RECORD: ("a", 1, True, ["a"]),
    Kind.TABLE: ("a", 1, True, ["a"]),
}


def named(item: object) -> str:
    return ".".join(map(str, item)) if isinstance(item, tuple) else ""


def is_bounded(one: Key) -> bool:
    about = one.about
    return (
        bool(about.choices) or (about.low, about.above, about.high, about.below) != (None,) * 4
    )


def refuse(root: Path, declared: dict[str, Any]) -> tuple[ConfigError, list[Any]]:
    """Require that the reader refuses; return its error, and those of the schema."""
    with pytest.raises(ConfigError) as caught:
        load_project(declarations.write(root, declared))
    return caught.value, list(VALIDATOR.iter_errors(declarations.as_json(declared)))


def load(root: Path, declared: dict[str, Any]) -> Project | None:
    """Return what the reader makes of a declaration, whatever its digest; None if refused."""
    try:
        project = load_project(declarations.write(root, declared))
    except ConfigError:
        return None
    return dataclasses.replace(project, config_sha256="")


def test_the_complete_declaration_has_every_key(tmp_path: Path) -> None:
    """What follows is shown for all keys: each stands in a declaration that both accept."""
    tables = {name for name, _ in declarations.every_key()}
    names = {one.name for _, one in KEYS}

    assert {name for _, name in declarations.every_key()} == names
    assert set(COMPLETE["suites"]["full"]) | {"extends", "without"} == {
        name for table, name in declarations.every_key() if table == "SuiteTable"
    }
    assert len(tables) == 10 + len(registry.built_in())
    for kind, guard in registry.built_in().items():
        (declared_guard,) = (
            g for g in COMPLETE["suites"]["full"]["guards"] if g["kind"] == kind
        )
        assert {one.name for one in keys.keys_of(guard.options)} <= set(declared_guard)
    assert load(tmp_path, COMPLETE) is not None
    assert list(VALIDATOR.iter_errors(declarations.as_json(COMPLETE))) == []


@pytest.mark.parametrize(("place", "one"), KEYS, ids=named)
def test_misspelt_key_is_refused_by_both(
    tmp_path: Path, place: declarations.Place, one: Key
) -> None:
    """Reader and schema refuse it, and the reader names the key that was meant."""
    wrong = declarations.change(COMPLETE, place, name=f"{one.name}x")

    error, is_refused = refuse(tmp_path, wrong)

    assert is_refused
    assert one.name in error.remedy + error.expected + error.where


@pytest.mark.parametrize(("place", "one"), KEYS, ids=named)
def test_wrong_type_is_refused_by_both(
    tmp_path: Path, place: declarations.Place, one: Key
) -> None:
    """Whatever else TOML has in the place of a value is refused, and the key is named."""
    for value in WRONG[one.kind]:
        error, is_refused = refuse(tmp_path, declarations.change(COMPLETE, place, value=value))

        assert is_refused, value
        assert one.name in error.where


@pytest.mark.parametrize(
    ("place", "one"), [pair for pair in KEYS if is_bounded(pair[1])], ids=named
)
def test_value_out_of_bounds_is_refused_by_both(
    tmp_path: Path, place: declarations.Place, one: Key
) -> None:
    """A number past a declared bound, and a word that is no choice."""
    about = one.about
    past = [about.above, about.below]
    past += [None if about.low is None else about.low - 1]
    past += [None if about.high is None else about.high + 1]
    values: list[Any] = [bound for bound in past if bound is not None]
    if about.choices:
        values.append(["nothing"] if one.kind is Kind.TEXTS else "nothing")

    for value in values:
        error, is_refused = refuse(tmp_path, declarations.change(COMPLETE, place, value=value))

        assert is_refused, value
        assert one.name in error.where


@pytest.mark.parametrize(
    ("place", "one"), [pair for pair in KEYS if not pair[1].is_required], ids=named
)
def test_every_key_changes_what_is_read(
    tmp_path: Path, place: declarations.Place, one: Key
) -> None:
    """No key is accepted and dropped: without it the project is another one, or none."""
    assert load(tmp_path, declarations.change(COMPLETE, place)) != load(tmp_path, COMPLETE)
    assert one.about.meaning


def test_defaults_are_values_that_would_be_accepted() -> None:
    """A default has the type that is declared and lies within the bounds."""
    for record in {StageSpec, *(guard.options for guard in registry.built_in().values())}:
        for one in keys.keys_of(record):
            if one.default not in (None, (), ""):
                table = Table("x", "", {one.name: one.default})
                assert keys._take(one, table) == one.default


def test_real_declarations_are_valid() -> None:
    """An editor finds no fault in the declarations that there are."""
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    guards = sorted((ROOT / "examples").glob("*/guards.toml"))
    texts = [
        (ROOT / "harness.toml").read_text("utf-8"),
        *re.findall(r"```toml\n(schema = .*?)```", page, re.DOTALL),
        *(init.declaration(one.parent, "example") + one.read_text("utf-8") for one in guards),
    ]

    declared = [declarations.as_json(tomllib.loads(text)) for text in texts]

    assert len(texts) == 4
    assert [e.message for one in declared for e in VALIDATOR.iter_errors(one)] == []


def test_keys_of_another_kind_are_refused_by_both(tmp_path: Path) -> None:
    """A guard has the keys of its own kind alone."""
    declared = declarations.complete()
    declared["suites"]["full"]["guards"][0]["tile"] = 3

    error, is_refused = refuse(tmp_path, declared)

    assert is_refused
    assert error.where.endswith("guard bound (bound).tile")


def test_kinds_of_other_packages_may_have_any_key() -> None:
    """What an installed package adds is no fault to an editor."""
    declared = declarations.as_json(declarations.complete())
    declared["suites"]["full"]["guards"].append(
        {"id": "e", "kind": "even", "remedy": "r", "parity": [1]}
    )

    assert list(VALIDATOR.iter_errors(declared)) == []


@pytest.mark.parametrize("value", ["9" * 400, "inf", "nan", "-inf"])
def test_number_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    """An integer beyond doubles and a number that is not finite bound nothing."""
    declarations.write(tmp_path, COMPLETE)
    path = tmp_path / "harness.toml"
    path.write_text(path.read_text().replace('"timeout_s" = 30', f'"timeout_s" = {value}'))

    with pytest.raises(ConfigError) as caught:
        load_project(tmp_path)

    assert caught.value.where.endswith("timeout_s")
    assert caught.value.expected == "a finite number"


def test_date_in_quotes_is_refused_by_the_reader(tmp_path: Path) -> None:
    """A date is one without quotes; an editor cannot tell the two apart."""
    day = dt.date.fromisoformat(str(COMPLETE["suites"]["full"]["quarantine"][0]["expires"]))
    place = ("suites", "full", "quarantine", 0, "expires")

    assert load(tmp_path, declarations.change(COMPLETE, place, value=str(day))) is None
