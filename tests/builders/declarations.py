"""A declaration that uses every key there is, and every way to change one of them."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.config import keys
from harness.config.keys import Key, Kind
from harness.config.tables import BOUND, BoundTable, TopTable
from harness.judgement.guards import registry
from tests.builders import hubs

_BASE = {"policies": ["P-1"], "severity": "warn", "remedy": "Look there."}
# What a key must hold beside its type; keys of these names mean the same in every kind.
_NAMED: dict[str, Any] = {
    "components": 0,  # more are of curves alone
    "artifact": "m",
    "stage": "make",
    "value": "x = (.*)",
    "min": 1,
    "max": 2,
    "relative": 0.1,
}
Place = tuple[str | int, ...]


def complete() -> dict[str, Any]:
    """Return a valid declaration in which each key stands, none with its default."""
    soon = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9)
    owned = {"owner": "ada", "reason": "It shakes.", "expires": soon, "clean_runs": 7}
    make = {
        "id": "make",
        "kind": "command",
        "argv": ["{python}", "{value}", "{dataset:train}", "{seed}"],
        "needs": ["tests"],
        "timeout_s": 30,
        "retries": 1,
        "python": ["env", "python"],
        "artifacts": [{"id": "m", "path": "m.json", "external": True, "optional": True}],
    }
    tests = {
        "id": "tests",
        "kind": "pytest",
        "selectors": ["tests"],
        "min_tests": 2,
        "min_collected": 3,
        "test_retries": 2,
        "test_timeout_s": 5.5,
    }
    lent = {key: value for key, value in hubs.suite().items() if key != "guards"}
    suite = {
        "description": "Everything.",
        "inputs": ["source/*.py"],
        "parameters": {"value": "3", "seed": "1"},
        "datasets": ["train"],
        "environment": ["HOME"],
        "max_age_days": 3,
        "requires": {"json": "it is there"},
        "goldens_of": "lender",
        "python": "python",
        "packages": ["torch"],
        "runs": 2,
        "stages": [tests, make],
        "guards": [
            {"id": _NAMES.get(kind, kind), "kind": kind, **_BASE, **make_options(guard.options)}
            for kind, guard in registry.built_in().items()
        ],
        "bounds": {
            "line": {**_BASE, **make_options(registry.built_in()[BOUND].options)},
        },
        "fingerprint": {
            **_BASE,
            **make_options(registry.built_in()["fingerprint"].options),
        },
        "matrix": {"doses": {"value": ["1", "2"]}},
        "quarantine": [
            {subject: name, **owned}
            for subject, name in {"test": "tests/x.py", "stage": "make", "guard": "log"}.items()
        ],
    }
    child = {"extends": "full", "without": ["log"], "description": "The same without a log."}
    generate = {"generate": ["{python}"], "inputs": ["x.py"], "file": "t.h5"}
    return {
        "schema": 1,
        "name": "full",
        "policies": {"P-1": "A rule."},
        "trusted_keys": ["k"],
        "strict_inputs": True,
        "python": ["env", "python3"],
        "packages": ["numpy"],
        "gate": {"signers": ["s"], "unsigned_waivers": True},
        "report": {
            "pictures": {"map": "Look here."},
            "charts": {"loss": "It falls."},
            "rows": ["map"],
            "rings": "r",
        },
        "hubs": "h",
        "golden": "g",
        "work": "w",
        "datasets": {"train": generate},
        "suites": {"full": suite, "lender": lent, "child": child},
    }


_NAMES = {"fingerprint": "prints"}  # the table of a suite stands for one of this id


def make_options(record: type) -> dict[str, Any]:
    """Return a value other than the default for each parameter of a guard kind."""
    return {one.name: _make_value(one) for one in keys.keys_of(record)}


def _make_value(one: Key) -> Any:
    about = one.about
    if one.name in _NAMED:
        return _NAMED[one.name]
    if about.choices:
        return [about.choices[-1]] if one.kind is Kind.TEXTS else about.choices[-1]
    if one.kind in (Kind.INTEGER, Kind.NUMBER):
        return next(number for number in (3, 0.5, 0.25) if about.admits(number))
    if one.kind is Kind.NUMBERS:
        return [0, 0.5]
    if one.kind is Kind.FLAG:
        return not one.default
    if one.kind is Kind.STRINGS:
        return {"--a": "b"}
    text = "m:a" if about.is_metric else "a"
    return [text] if one.kind in (Kind.TEXTS, Kind.WORDS) else text


def walk_keys(declared: dict[str, Any]) -> Iterator[tuple[Place, Key]]:
    """Yield each key that stands in a declaration, with its place."""
    yield from _walk(declared, TopTable, ())


def _walk(table: dict[str, Any], record: type, place: Place) -> Iterator[tuple[Place, Key]]:
    for one in keys.keys_of(record):
        if one.name in table:
            yield (*place, one.name), one
            value = table[one.name]
            if one.kind is Kind.RECORD and one.record is not None:
                yield from _walk(value, one.record, (*place, one.name))
            elif one.record is not None:
                inner = enumerate(value) if isinstance(value, list) else value.items()
                for name, item in inner:
                    yield from _walk(item, one.record, (*place, one.name, name))
    if keys.takes_other_keys(record):
        kind = BOUND if record is BoundTable else table["kind"]
        yield from _walk(table, registry.built_in()[kind].options, place)


def every_key() -> set[tuple[str, str]]:
    """Return record and name of each key that is declared."""
    records, all_keys = [TopTable, *(g.options for g in registry.built_in().values())], set()
    while records:
        record = records.pop()
        for one in keys.keys_of(record):
            all_keys.add((record.__name__, one.name))
            if one.record is not None:
                records.append(one.record)
    return all_keys


def change(declared: dict[str, Any], place: Place, **how: Any) -> dict[str, Any]:
    """Return a copy with the key at a place renamed (``name``), set (``value``) or left out."""
    made = copy.deepcopy(declared)
    table: Any = made
    for step in place[:-1]:
        table = table[step]
    value = table.pop(place[-1])
    if how:
        table[how.get("name", place[-1])] = how.get("value", value)
    return made


def write(root: Path, declared: dict[str, Any]) -> Path:
    """Write a declaration as ``harness.toml``."""
    lines = [f"{key} = {hubs.toml(value)}" for key, value in declared.items()]
    (root / "harness.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return root


def as_json(value: Any) -> Any:
    """Return what an editor hands to a schema: dates are text."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
