"""YAML by the core schema of version 1.2: scalars mean what they mean in JSON.

PyYAML reads the events; the values are made here, for its own loaders follow version 1.1, in
which ``1e-5`` is a text, ``1:30`` is ninety and ``no`` is false. Aliases are refused: a few
lines of them stand for more values than any memory holds. So are tags, which name types.

Source: YAML 1.2.2, section 10.3 (core schema).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.judgement.guards.readers.base import MOST_VALUES, FormatError, TooMuchError

_EXPECTED = "one YAML document of plain values"
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_MISSING = object()


def read(content: bytes) -> Any:
    """Return the value of the only document.

    Raises:
        FormatError: It is no YAML, holds an alias or a tag, names a key twice, or is more than
            one document.
        TooMuchError: There are more values than are read.
    """
    import yaml  # noqa: PLC0415 - an extra

    try:
        return _build(_list_events(content, yaml), yaml)
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        raise FormatError(f"no YAML: {message}"[:160], _EXPECTED) from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is one too
        raise FormatError("a file that is no YAML text", _EXPECTED) from error


def _list_events(content: bytes, yaml: Any) -> Iterator[Any]:
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    documents = 0
    for number, event in enumerate(yaml.parse(content, Loader=loader)):
        if number > MOST_VALUES:
            raise TooMuchError(f"over {MOST_VALUES:,} values", "fewer values")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise FormatError("a second document", _EXPECTED)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise FormatError(f"an anchor or alias, {event.anchor!r}", _EXPECTED)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise FormatError(f"a tag, {event.tag!r}", _EXPECTED)
        yield event


def _build(events: Iterator[Any], yaml: Any) -> Any:
    """Make the value of the events, with an own stack: depth is no danger."""
    stack: list[_Open] = [_Open([])]
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            stack[-1].add(_resolve(event), event.value)
        elif isinstance(event, yaml.MappingStartEvent):
            stack.append(_Open({}))
        elif isinstance(event, yaml.SequenceStartEvent):
            stack.append(_Open([]))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = stack.pop().value
            stack[-1].add(done, None)
    (root,) = stack
    if not root.value:
        raise FormatError("an empty file", _EXPECTED)
    return root.value[0]


class _Open:
    """A collection that is being filled; keys are texts, as in JSON."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._key: Any = _MISSING

    def add(self, value: Any, text: str | None) -> None:
        """Take the next node: an item, or by turns a key and its value."""
        if isinstance(self.value, list):
            self.value.append(value)
        elif self._key is not _MISSING:
            self.value[self._key], self._key = value, _MISSING
        elif text is None:
            raise FormatError("a key that is a collection", _EXPECTED)
        elif text in self.value:
            raise FormatError(f"the key {text!r} twice"[:100], _EXPECTED)
        else:
            self._key = text


def _resolve(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0]:  # in quotes, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float("-inf" if text.startswith("-") else "inf")
    return text
