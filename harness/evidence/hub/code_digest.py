"""A source file in, the digest of its code out: what a comment or another layout leaves alone.

Python counts by its tokens, without comments and blank lines; docstrings stay, for they can be
read at run time, and so does what a comment tells a runner of scripts to install (PEP 723).
Notebooks count by their code cells and their kernel. Everything else, and what cannot be taken
apart safely, counts by its bytes.

The digest is the same on every Python: an f-string counts as it is written, whatever pieces a
tokenizer makes of it.

Source: design of the harness, section 10.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BYTES = "bytes"  # what the digests of inputs meant before, and of hubs that do not say it
CODE = "code-1"
MEANINGS = (BYTES, CODE)
_PYTHON = frozenset({".py", ".pyw"})
_NOTEBOOK = ".ipynb"
# Beyond these sizes [bytes] a file counts by its bytes: taking it apart would cost seconds.
_LARGEST_SOURCE, _LARGEST_NOTEBOOK = 2 << 20, 64 << 20
LARGEST = _LARGEST_NOTEBOOK
_METADATA = b"# /// "
_SEPARATOR = b"\0"  # no source may hold it
_LEFT_OUT = frozenset({"ENCODING", "COMMENT", "NL"})
# Tokens that say where they stand by their kind; their text is layout.
_STRUCTURE = frozenset({"INDENT", "DEDENT", "NEWLINE", "ENDMARKER"})
_KINDS = {"STRING": b"s", "NUMBER": b"n", "NAME": b"a"}
# Newer tokenizers take f-strings apart: the kinds by name, as older ones have none of them.
_OPENING = frozenset({"FSTRING_START", "TSTRING_START"})
_CLOSING = frozenset({"FSTRING_END", "TSTRING_END"})
# Tabs and form feeds have columns of their own, by which an indentation may be an error: with
# them it counts as it is written. A continuation that begins a line has rules of its own.
_TABS = re.compile(rb"(?m)^ *[\t\f]")
_CONTINUED = re.compile(rb"(?m)^[ \t\f]*\\$")

_Token = tuple[str, str, tuple[int, int], tuple[int, int]]  # kind, text, begin, end


class _NoCodeError(Exception):
    """A file that cannot be taken apart."""


def has_code(path: Path) -> bool:
    """Say whether a file is of a kind that counts by its code."""
    return path.suffix in _PYTHON or path.suffix == _NOTEBOOK


def digest_content(suffix: str, content: bytes) -> str:
    """Digest the code in the bytes of a file, whose kind its ``suffix`` says."""
    try:
        parts = b"".join(_parts(suffix, content))
    except _NoCodeError:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(parts).hexdigest()


def _parts(suffix: str, content: bytes) -> Iterator[bytes]:
    yield f"{CODE} {suffix}".encode() + _SEPARATOR
    if suffix == _NOTEBOOK:
        yield from _cells(content)
    elif suffix in _PYTHON:
        yield from _python(content)
    else:
        raise _NoCodeError


def _python(content: bytes) -> Iterator[bytes]:
    """Give the tokens of a module, each with its kind.

    Raises:
        _NoCodeError: It is too large, or no tokens can be made of it.
    """
    # Python itself reads every end of line as a newline, inside strings too.
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if len(content) > _LARGEST_SOURCE or _SEPARATOR in content:
        raise _NoCodeError
    if content.startswith(b"#!"):  # who runs it as a program is told by its first line
        yield content.partition(b"\n")[0] + _SEPARATOR
    yield from _script_metadata(content)
    if _CONTINUED.search(content):
        raise _NoCodeError
    import tokenize  # noqa: PLC0415 - what is unchanged is known without it

    try:
        tokens = [
            (tokenize.tok_name[t.type], t.string, t.start, t.end)
            for t in tokenize.tokenize(io.BytesIO(content).readline)
        ]
        lines = content.decode(tokens[0][1]).split("\n")
    except (tokenize.TokenError, SyntaxError, ValueError, LookupError, RecursionError) as error:
        raise _NoCodeError from error
    if _TABS.search(content):
        yield "\n".join(_indentations(tokens, lines)).encode() + _SEPARATOR
    for kind, text in _join_tokens(tokens, lines):
        yield kind + text.encode("utf-8", "surrogatepass") + _SEPARATOR


def _script_metadata(content: bytes) -> Iterator[bytes]:
    """Give the comments from which runners of scripts take what to install (PEP 723)."""
    is_open = False
    for line in content.split(b"\n") if _METADATA in content else ():
        is_open = line.startswith(b"#") and (is_open or line.startswith(_METADATA))
        if is_open:
            yield line + _SEPARATOR


def _indentations(tokens: list[_Token], lines: list[str]) -> Iterator[str]:
    """Give the white space before each logical line as it is written."""
    is_first = True
    for name, _, (row, column), _ in tokens:
        if name == "NEWLINE":
            is_first = True
        elif is_first and name not in _LEFT_OUT | _STRUCTURE:
            is_first = False
            yield lines[row - 1][:column]


def _join_tokens(tokens: list[_Token], lines: list[str]) -> Iterator[tuple[bytes, str]]:
    """Give kind and text of what counts; an f-string in pieces is put together again.

    Raises:
        _NoCodeError: A token is an error.
    """
    depth, begin = 0, (0, 0)
    for name, text, start, end in tokens:
        if name in _OPENING:
            begin = begin if depth else start
            depth += 1
        elif name in _CLOSING:
            depth -= 1
            if not depth:
                yield b"s", _cut_piece(lines, begin, end)
        elif depth or name in _LEFT_OUT:
            continue
        elif name == "ERRORTOKEN":
            raise _NoCodeError
        elif name in _STRUCTURE:
            yield name.encode(), ""
        else:
            yield _KINDS.get(name, b"o"), text


def _cut_piece(lines: list[str], begin: tuple[int, int], end: tuple[int, int]) -> str:
    """Cut a piece out of a module, from row and column to row and column."""
    rows = lines[begin[0] - 1 : end[0]]
    rows[-1] = rows[-1][: end[1]]
    rows[0] = rows[0][begin[1] :]
    return "\n".join(rows)


def _cells(content: bytes) -> Iterator[bytes]:
    """Give the code cells of a notebook, and what runs them.

    Raises:
        _NoCodeError: It is no notebook of format 4.
    """
    if len(content) > _LARGEST_NOTEBOOK:
        raise _NoCodeError
    try:
        value = json.loads(content, object_pairs_hook=_unique)
        metadata, cells = value.get("metadata", {}), value["cells"]
        kernel = [metadata.get("kernelspec", {}), metadata.get("language_info", {})]
        sources = [[cell["cell_type"], _source(cell["source"])] for cell in cells]
        named = [value["nbformat"], *(part.get("name") for part in kernel)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _NoCodeError from error
    code = [source for kind, source in sources if kind == "code"]
    yield json.dumps([named, code], ensure_ascii=True).encode()


def _source(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key that stands twice")
    return members
