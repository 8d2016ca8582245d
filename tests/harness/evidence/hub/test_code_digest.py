"""Two sources of one digest are one program; a comment or another layout is no other one."""

from __future__ import annotations

import ast
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evidence.hub import code_digest
from harness.files import sha256_bytes

ROOT = Path(__file__).parents[4]
SOURCES = sorted(
    path
    for folder in ("harness/evidence", "ptycho_torch/physics", "tests/builders")
    for path in (ROOT / folder).rglob("*.py")
    if 1_000 < path.stat().st_size < 6_000
)
# What an edit may put anywhere: layout, comments, cookies, continuations, and code.
PIECES = (
    *(b" ", b"\t", b"\f", b"\n", b"\r", b"\r\n", b"    ", b"  ", b"\\\n", b"\\", b"\0"),
    *(b"# note", b"# note\n", b"#", b"\n# -*- coding: latin-1 -*-\n", b"#!/bin/sh\n"),
    *(b'"""', b"'", b"1", b"e", b"_", b".", b"(", b")", b":", b";", b"!", b"$", b"\xe9"),
    *(b"\xc3\xa9", b"\xef\xbb\xbf", b"f'{x # y\n}'", b"if x:\n", b"pass\n", b"\x0b"),
)


def digest(content: bytes, name: str = "module.py") -> str:
    return code_digest.digest_content(Path(name).suffix, content)


def meaning(content: bytes) -> str:
    """Say what Python makes of a source: its tree, or that it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(content))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "no program"


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a real source and the same after a few edits anywhere in it."""
    before = draw(st.sampled_from(SOURCES)).read_bytes()
    after = before
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(after)))
        if draw(st.booleans()):  # at the beginning of a line, where layout has a meaning
            at = after.rfind(b"\n", 0, at) + 1
        gone = draw(st.sampled_from((0, 0, 0, 1, 2, 4, 8)))
        after = after[:at] + draw(st.sampled_from((b"", *PIECES))) + after[at + gone :]
    return before, after


@settings(max_examples=200, deadline=None)
@given(edits())
def test_one_digest_is_one_program(
    edited: tuple[bytes, bytes],
) -> None:
    """Sources that Python reads otherwise never share a digest; its own parser is the judge."""
    before, after = edited

    if digest(before) == digest(after):
        assert meaning(before) == meaning(after)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SOURCES), st.data())
def test_comments_and_blank_lines_are_no_change(source: Path, data: st.DataObject) -> None:
    """Comment lines, blank lines and ends of line in another style leave the digest alone."""
    before = source.read_bytes()
    starts = [
        node.lineno - 1
        for node in ast.walk(ast.parse(before))
        if isinstance(node, ast.stmt) and not isinstance(node, ast.Expr)
    ]
    lines = before.split(b"\n")
    decorated = {n.lineno for n in ast.walk(ast.parse(before)) if isinstance(n, ast.ClassDef)}
    for row in sorted(data.draw(st.sets(st.sampled_from(starts), max_size=5)), reverse=True):
        if row + 1 not in decorated and not lines[row].lstrip().startswith(b"@"):
            lines[row:row] = [data.draw(st.sampled_from([b"", b"# note", b"        # note"]))]
    after = data.draw(st.sampled_from([b"\n", b"\r\n"])).join(lines)

    assert digest(after) == digest(before)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (b"x = 1\n", b"x = 1  # why\n", True),
        (b"x = 1\n", b"x  =  1", True),
        (b"if x:\n    y\n", b"if x:\n  y\n", True),
        (b"f(1, 2)\n", b"f(\n  1,  # one\n  2)\n", True),
        (b"if x:\n\ty\n", b"# note\nif x:\n\ty  # note\n", True),
        (b"if x:\n\ty\n", b"if x:\n        y\n", False),
        (b'def f():\n    "told"\n', b'def f():\n    "other"\n', False),
        (b"x = '# a'\n", b"x = '# b'\n", False),
        (b"f'{x = }'\n", b"f'{x=}'\n", False),
        (b"f'a{x}b'\n", b"f'a{y}b'\n", False),
        (b"x = 12\n", b"x = 1_2\n", False),
        (b"if x:\n    y\n    z\n", b"if x:\n    y\nz\n", False),
        (b"x\n-y\n", b"x -y\n", False),
        (b"x = $  # a\n", b"x = $  # b\n", False),  # no program either
        (b"x\0  # a\n", b"x\0  # b\n", False),
        (b"x = [1\n, 2]\n", b"x = [1, 2]\n", True),
        (b"if x: y\nz\n", b"if x: y; z\n", False),
        (b"s = '\xc3\xa9'\n", b"# coding: latin-1\ns = '\xc3\xa9'\n", False),
        (b"s = 'e'\n", b"# coding: latin-1\ns = 'e'\n", True),
        (b"# a\rimport os\n", b"# a import os\n", False),
        (b"#!/usr/bin/python\nx\n", b"#!/bin/sh\nx\n", False),
        (
            b"# /// script\n# dependencies = ['numpy<2']\n# ///\nx\n",
            b"# /// script\n# dependencies = ['numpy']\n# ///\nx\n",
            False,
        ),
        (b"x\n# ///\n# a\n", b"x\n# ///\n# b\n", True),
        (b"# /// script\n# ///\n\n# a\n", b"# /// script\n# ///\n\n# b\n", True),
        (b"def f(:\n", b"def f(:  # note\n", False),  # no tokens: by bytes
        (b"if x:\n        y\n\tz\n", b"if x:\n        y\n        z\n", False),
    ],
)
def test_what_counts(before: bytes, after: bytes, *, is_same: bool) -> None:
    """Comments and layout do not count; docstrings, encodings and texts do."""
    assert (digest(before) == digest(after)) is is_same


def notebook(*cells: tuple[str, str], **keys: Any) -> bytes:
    made = [
        {"cell_type": kind, "source": text.splitlines(keepends=True), **keys, "metadata": {}}
        for kind, text in cells
    ]
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": made}).encode()


def test_notebook_counts_by_its_code_cells() -> None:
    """Outputs, counters and texts of a notebook do not count; a line of code does."""
    plain = notebook(("markdown", "Title"), ("code", "a = 1\nb = 2"))
    run = notebook(("markdown", "Other"), ("code", "a = 1\nb = 2"), outputs=[7])
    known = digest(plain, "a.ipynb")

    assert digest(run, "a.ipynb") == known
    assert digest(notebook(("code", "a = 1\nb = 3")), "a.ipynb") != known
    assert digest(notebook(("code", "a = 1"), ("code", "b = 2")), "a.ipynb") != known
    kernel = plain.replace(b'"metadata": {}', b'"metadata": {"kernelspec": {"name": "R"}}', 1)
    assert digest(kernel, "a.ipynb") != known


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"cells": [], "cells": [], "nbformat": 4}', b"[" * 90_000]
)
def test_what_is_no_notebook_counts_by_bytes(content: bytes) -> None:
    """A notebook that cannot be taken apart, or hides a cell, counts by its bytes."""
    assert digest(content, "a.ipynb") == sha256_bytes(content)


@pytest.mark.parametrize("name", ["a.py", "a.pyw"])
def test_python_counts_by_its_code(name: str) -> None:
    """With a window or without; each kind has a digest of its own."""
    assert digest(b"x = 1  # why\n", name) == digest(b"x = 1\n", name) != digest(b"x=1\n", "a")
    assert digest(b"x\n", "a.py") != digest(b"x\n", "a.pyw")


@pytest.mark.parametrize("name", ["a.pyx", "a.txt", "a.toml", "py"])
def test_other_files_count_by_bytes(name: str) -> None:
    """Only Python and notebooks are taken apart."""
    assert digest(b"x = 1  # why\n", name) == sha256_bytes(b"x = 1  # why\n")
