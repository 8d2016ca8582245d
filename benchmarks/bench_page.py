"""The outcomes of all parts → one page and one plot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.bench_parts import Outcome, Part
from benchmarks.evidence_figures import spoken
from benchmarks.measured import MISSING, Measured

PICTURE = "pictures/benchmarks.svg"
_LONG = 1000  # seconds, from here on in whole ones
_WHOLE = 100  # from here on without digits behind the point
_WORDS = {True: "yes", False: "**no**", None: ""}
_BUSY = "times are longer than they would be."
_HEAD = """\
# Benchmarks

Written by `make bench`. Each part is a program of its own; its figures are medians where it
repeats. *Beside it* is what a user would pick instead, or what the row names, measured in the
same part; *ratio* is found divided by it. *Floor* is the best that the machine allows in the
same part. A target that did not hold says **no**.
"""
_QUICK = "This is the short form (`QUICK=1`): small sizes, for a look.\n"


def said(value: float | None, unit: str) -> str:
    """Write a figure with three digits and its unit; a dash where there is none."""
    if value is None:
        return "–"
    if unit == "s" and abs(value) < _LONG:
        return spoken(value)
    number = f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.3g}"
    return f"{number} {unit}"


def row(figure: Measured) -> str:
    """Write one line of a table."""
    what = f"{figure.what} ({figure.note})" if figure.note else figure.what
    beside = ""
    if figure.peer:
        peers = figure.absent if figure.beside is None else said(figure.beside, figure.unit)
        beside = f"{figure.peer}: {peers}"
    cells = (
        what,
        said(figure.value, figure.unit),
        beside,
        "" if figure.ratio is None else f"{figure.ratio:.3g}",
        "" if figure.floor is None else said(figure.floor, figure.unit),
        figure.target,
        _WORDS[figure.holds],
    )
    return "| " + " | ".join(cells) + " |"


def page(
    outcomes: Sequence[tuple[Part, Outcome | None]],
    about: Sequence[str],
    docs: Path,
    *,
    is_quick: bool,
) -> str:
    """Write the page of all parts.

    Args:
        outcomes: Every part with its outcome, None where it was not measured.
        about: Lines on machine and versions.
        docs: Where detailed pages and their plots lie; what is missing is not linked.
        is_quick: Whether the parts were measured in the short form.
    """
    lines = [_HEAD]
    if any(outcome is not None for _, outcome in outcomes):
        lines += [*([_QUICK] if is_quick else []), *about, ""]
    lines += [*_summary(outcomes), ""]
    if drawn(outcomes):
        lines += [f"![how many times better than what a user would pick]({PICTURE})", ""]
    for part, outcome in outcomes:
        if outcome is not None:
            lines += _section(part, outcome, docs, is_quick=is_quick)
    return "\n".join(lines).rstrip() + "\n"


def versions(by_name: Mapping[str, str | None]) -> str:
    """Write the versions of what is measured and of its peers."""
    parts = (f"{name} {_number(name, version)}" for name, version in by_name.items())
    return ", ".join(parts) + "."


def _number(name: str, version: str | None) -> str:
    """Leave out what a program says around its version: its name, the word itself."""
    return re.sub(rf"^{re.escape(name)}[,\s]+(version\s+)?", "", version or MISSING)


def _summary(outcomes: Sequence[tuple[Part, Outcome | None]]) -> Iterator[str]:
    judged = [f.holds for _, o in outcomes if o for f in o.figures if f.holds is not None]
    if judged:
        yield f"{sum(judged)} of {len(judged)} targets held."
    if failed := [part.name for part, outcome in outcomes if outcome and outcome.failure]:
        yield f"**Failed: {', '.join(failed)}.**"
    if absent := [part.name for part, outcome in outcomes if outcome is None]:
        yield f"Not measured on this state of the code: {', '.join(absent)}; `make bench` does."


def _section(part: Part, outcome: Outcome, docs: Path, *, is_quick: bool) -> Iterator[str]:
    yield from (f"## {part.title}", "")
    yield (
        f"Part `{part.name}`: {outcome.began}, commit {outcome.commit}, "
        f"{said(outcome.seconds, 's')}; load average before: {outcome.load:.1f}."
    )
    if outcome.load > outcome.cores:
        yield f"**The machine was busy** with other work on its {outcome.cores} cores: " + _BUSY
    yield ""
    if outcome.failure:
        yield f"**This part failed:** {outcome.failure}"
    else:
        yield "| what | found | beside it | ratio | floor | target | held |"
        yield "|---|---:|---|---:|---:|---|---|"
        yield from map(row, outcome.figures)
    yield ""
    if (docs / part.page).exists():
        yield from (f"In detail: [{part.page}]({part.page}).", "")
    if not is_quick and not outcome.failure:
        for name in part.pictures:
            if (docs / name).exists():
                yield from (f"![{part.title}]({name})", "")


def drawn(outcomes: Sequence[tuple[Part, Outcome | None]]) -> list[tuple[str, float]]:
    """Return label and gain of every figure that stands beside what a user would pick."""
    return [
        (f"{figure.what}  /  {figure.peer}", figure.gain)
        for part, outcome in outcomes
        if outcome is not None and part.has_peers
        for figure in outcome.figures
        if figure.gain is not None
    ]


def draw(bars: Sequence[tuple[str, float]], path: Path) -> None:
    """Draw how many times better each figure is than its peer, on a log scale."""
    figure = Figure(figsize=(10, 1.2 + 0.24 * len(bars)), layout="constrained")
    axes = figure.subplots()
    places = range(len(bars))
    gains = [gain for _, gain in bars]
    colours = ["tab:green" if gain >= 1 else "tab:orange" for gain in gains]
    axes.barh(places, [gain - 1 for gain in gains], left=1, color=colours)
    axes.set_yticks(places, [label for label, _ in bars], fontsize=6)
    axes.set(xscale="log", xlabel="times better than what stands beside it (1: equal)")
    axes.axvline(1, color="0.3", linewidth=0.8)
    axes.invert_yaxis()
    axes.grid(visible=True, axis="x", alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
