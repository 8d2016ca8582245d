"""The JSON Schema of ``harness.toml`` for editors, from the declarations of its keys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from harness.config import config_file, keys
from harness.config.keys import Key, Kind
from harness.config.project import GuardSpec
from harness.config.tables import BOUND, BoundTable, TopTable
from harness.judgement.guards import registry

PATH = Path(config_file.__file__).with_name(config_file.SCHEMA_FILE)
_TYPES: dict[Kind, str | list[str]] = {
    Kind.TEXT: "string",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.FLAG: "boolean",
    Kind.DATE: "string",
    Kind.TEXTS: "array",
    Kind.NUMBERS: "array",
    Kind.WORDS: ["string", "array"],
    Kind.STRINGS: "object",
    Kind.RECORDS: "array",
    Kind.NAMED: "object",
    Kind.RECORD: "object",
    Kind.TABLE: "object",
}
_BOUNDS = {
    "low": "minimum",
    "above": "exclusiveMinimum",
    "high": "maximum",
    "below": "exclusiveMaximum",
}


def text() -> str:
    """Return the schema as it is stored."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Make the schema; draft 7 is what editors read."""
    definitions: dict[str, Any] = {}
    top = _table(TopTable, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": config_file.FILE,
        **top,
        "definitions": dict(sorted(definitions.items())),
    }


def _table(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    declared = keys.keys_of(record)
    made: dict[str, Any] = {
        "type": "object",
        "properties": {one.name: _value(one, definitions) for one in declared},
        "required": [one.name for one in declared if one.is_required and not one.about.unless],
    }
    for one in declared:
        if one.about.unless:
            made["anyOf"] = [{"required": [one.name]}, {"required": [one.about.unless]}]
    if not keys.takes_other_keys(record):
        made["additionalProperties"] = False
    return made


def _refer(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    name = record.__name__.removesuffix("Spec").removesuffix("Table").lower()
    if name not in definitions:
        definitions[name] = {}  # named before it is made, so that tables may hold each other
        make = {GuardSpec: _guard, BoundTable: _bound}
        definitions[name] = (
            make[record](definitions) if record in make else _table(record, definitions)
        )
    return {"$ref": f"#/definitions/{name}"}


def _guard(definitions: dict[str, Any]) -> dict[str, Any]:
    """Make the schema of a guard: what all have, and for each kind the keys that it knows.

    Kinds that other packages add may have any key. The first part describes the keys of every
    kind, since editors offer and explain what they find there.
    """
    common = _table(GuardSpec, definitions)
    offered: dict[str, list[str]] = {}
    rules = []
    for kind, guard in registry.built_in().items():
        own = _table(guard.options, definitions)
        for name, value in own["properties"].items():
            offered.setdefault(name, []).append(f"{kind}: {value['description']}")
        known = dict.fromkeys(common["properties"], True) | own["properties"]
        rules.append(
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {**own, "properties": known},
            }
        )
    hints = {name: {"description": "\n".join(texts)} for name, texts in offered.items()}
    return {"allOf": [{**common, "properties": {**common["properties"], **hints}}, *rules]}


def _bound(definitions: dict[str, Any]) -> dict[str, Any]:
    """Make the schema of a line of bounds: what all guards have, and the keys of its kind."""
    common = _table(BoundTable, definitions)
    own = _table(registry.built_in()[BOUND].options, definitions)
    return {**own, "properties": own["properties"] | common["properties"]}


def _value(one: Key, definitions: dict[str, Any]) -> dict[str, Any]:
    about = one.about
    made: dict[str, Any] = {"description": describe(one), "type": _TYPES[one.kind]}
    allowed = {"enum": list(about.choices)} if about.choices else {}
    made |= _inside(one, allowed, definitions)
    if one.kind is Kind.DATE:
        made["format"] = "date"
    if one.kind is Kind.TEXT and one.is_required and not about.unless:
        made["pattern"] = r"\S"
    bounds = {word: getattr(about, name) for name, word in _BOUNDS.items()}
    made |= {word: bound for word, bound in bounds.items() if bound is not None}
    if isinstance(one.default, str | int | float) and one.default != "" and not about.from_name:
        made["default"] = one.default
    return made


def describe(one: Key) -> str:
    """Say in plain text what a key means, its unit included."""
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", one.about.meaning).replace("`", "")
    return f"{plain} [{one.about.unit}]" if one.about.unit else plain


def _inside(one: Key, allowed: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Say what a list or a table may hold; of a plain value, what it may be."""
    if one.kind is Kind.WORDS:
        word = {"type": "string", "pattern": r"\S"}
        return {"pattern": r"\S", "items": word, "minItems": 1}
    if one.kind is Kind.TEXTS:
        return {"items": {"type": "string", **allowed}}
    if one.kind is Kind.NUMBERS:
        return {"items": {"type": "number"}}
    if one.kind is Kind.STRINGS:
        return {"additionalProperties": {"type": "string"}}
    if one.record is None:
        return allowed
    inside = _refer(one.record, definitions)
    words = {Kind.RECORDS: "items", Kind.NAMED: "additionalProperties"}
    return {words[one.kind]: inside} if one.kind in words else {"allOf": [inside]}
