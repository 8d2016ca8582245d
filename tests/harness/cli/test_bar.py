"""The bar of commands that make many runs."""

from __future__ import annotations

import io

from harness.cli.bar import Bar


def test_plain_output_has_lines_only() -> None:
    """Away from a terminal there is one line per thing done and nothing to redraw."""
    stream = io.StringIO()
    with Bar(stream, 2, is_live=False) as bar:
        bar.advance("one")
        bar.advance("two")

    assert stream.getvalue() == "one\ntwo\n"


def test_bar_says_how_much_is_left() -> None:
    """On a terminal the bar counts, estimates the rest, and is gone at the end."""
    stream, now = io.StringIO(), iter([0.0, *[30.0] * 20])
    with Bar(stream, 4, is_live=True, clock=lambda: next(now)) as bar:
        bar.advance("one")
        line = bar.render()

    assert "1/4" in line
    assert "about 1 min 30 s to go" in line
    assert "one\n" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")
