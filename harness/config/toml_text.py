"""TOML in, tables out: the one place that parses it, so that a refusal is a ``ValueError``."""

from __future__ import annotations

import tomllib
from typing import Any


def parse(content: bytes | str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: It is not UTF-8, no TOML, nested beyond Python's limit, or holds a number of
            more digits than Python reads, which ``tomllib`` lets out under another name.
    """
    text = content if isinstance(content, str) else content.decode()
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
