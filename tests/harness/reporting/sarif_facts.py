"""What the published schema of SARIF 2.1.0 says of the objects that we write.

Each object lists the properties it may have with the kind of each; nothing else is allowed,
but for property bags. Facts of the OASIS schema ``sarif-schema-2.1.0``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

_LEVELS = {"none", "note", "warning", "error"}

# object → (required, {property: kind}); a list holds objects of the kind it names.
_OBJECTS: dict[str, tuple[set[str], dict[str, Any]]] = {
    "sarifLog": (
        {"version", "runs"},
        {"$schema": "uri", "version": {"2.1.0"}, "runs": ["run"]},
    ),
    "run": (
        {"tool"},
        {
            "tool": "tool",
            "automationDetails": "runAutomationDetails",
            "invocations": ["invocation"],
            "columnKind": {"utf16CodeUnits", "unicodeCodePoints"},
            "results": ["result"],
            "properties": "bag",
        },
    ),
    "tool": ({"driver"}, {"driver": "toolComponent", "properties": "bag"}),
    "toolComponent": (
        {"name"},
        {
            "name": "text",
            "version": "text",
            "semanticVersion": "text",
            "informationUri": "uri",
            "rules": ["reportingDescriptor"],
            "properties": "bag",
        },
    ),
    "reportingDescriptor": (
        {"id"},
        {
            "id": "text",
            "name": "text",
            "shortDescription": "multiformat",
            "fullDescription": "multiformat",
            "help": "multiformat",
            "helpUri": "uri",
            "defaultConfiguration": "reportingConfiguration",
            "properties": "bag",
        },
    ),
    "reportingConfiguration": (set(), {"enabled": "flag", "level": _LEVELS}),
    "multiformat": ({"text"}, {"text": "text", "markdown": "text", "properties": "bag"}),
    "message": ({"text"}, {"text": "text", "markdown": "text", "id": "text"}),
    "runAutomationDetails": (set(), {"id": "text", "description": "message"}),
    "invocation": (
        {"executionSuccessful"},
        {
            "executionSuccessful": "flag",
            "exitCode": "count",
            "startTimeUtc": "instant",
            "endTimeUtc": "instant",
            "properties": "bag",
        },
    ),
    "result": (
        {"message"},
        {
            "ruleId": "text",
            "ruleIndex": "count",
            "kind": {"notApplicable", "pass", "fail", "review", "open", "informational"},
            "level": _LEVELS,
            "message": "message",
            "locations": ["location"],
            "partialFingerprints": "texts",
            "suppressions": ["suppression"],
            "properties": "bag",
        },
    ),
    "suppression": (
        {"kind"},
        {
            "kind": {"inSource", "external"},
            "status": {"accepted", "underReview", "rejected"},
            "justification": "text",
        },
    ),
    "location": (set(), {"physicalLocation": "physicalLocation", "message": "message"}),
    "physicalLocation": (
        {"artifactLocation"},
        {"artifactLocation": "artifactLocation", "region": "region", "properties": "bag"},
    ),
    "artifactLocation": (set(), {"uri": "relative", "uriBaseId": "text", "index": "count"}),
    "region": (
        {"startLine"},
        {
            "startLine": "line",
            "startColumn": "line",
            "endLine": "line",
            "endColumn": "line",
        },
    ),
}


def faults(value: Any, kind: Any = "sarifLog", where: str = "$") -> Iterator[str]:
    """Yield each place that the schema would refuse."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            yield f"{where}: no array"
            return
        for index, item in enumerate(value):
            yield from faults(item, kind[0], f"{where}[{index}]")
    elif isinstance(kind, set):
        if value not in kind:
            yield f"{where}: {value!r} is none of {sorted(kind)}"
    elif kind in _OBJECTS:
        yield from _of_object(value, kind, where)
    elif not _SCALARS[kind](value):
        yield f"{where}: {value!r} is no {kind}"


def _of_object(value: Any, kind: str, where: str) -> Iterator[str]:
    required, known = _OBJECTS[kind]
    if not isinstance(value, dict):
        yield f"{where}: no object"
        return
    yield from (f"{where}.{name}: missing" for name in required - set(value))
    for name, item in value.items():
        if name in known:
            yield from faults(item, known[name], f"{where}.{name}")
        else:
            yield f"{where}.{name}: unknown"


def _is_bag(value: Any) -> bool:
    tags = value.get("tags", []) if isinstance(value, dict) else None
    return isinstance(tags, list) and len(set(tags)) == len(tags)


def _is_instant(value: Any) -> bool:
    return (
        isinstance(value, str) and value.endswith("Z") and bool(datetime.fromisoformat(value))
    )


_SCALARS = {
    "text": lambda value: isinstance(value, str),
    "texts": lambda value: all(isinstance(item, str) for item in value.values()),
    "flag": lambda value: isinstance(value, bool),
    "count": lambda value: type(value) is int and value >= -1,
    "line": lambda value: type(value) is int and value >= 1,
    "uri": lambda value: re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", value) is not None,
    "relative": lambda value: re.fullmatch(r"(?!/)[\w%./@+~-]+", value) is not None,
    "instant": _is_instant,
    "bag": _is_bag,
}
