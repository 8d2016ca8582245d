"""Counted cells in, the page `docs/history-power.md` out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proofs.history import campaign, real
from proofs.history.campaign import HARNESS, OTAVA, STEPS, Cell
from proofs.history.judges import Harness, Judge, Otava
from proofs.history.series import DEPENDENT, INDEPENDENT, RUNS

OTAVA_VERSION = "0.8.0"
_HEAD = f"""\
# What a history notices

Written by `make history-power`. A series is judged as a gate judges it: after each of its
{RUNS} runs, by the runs up to it. An alarm anywhere in a steady series is false. A step is
noticed in time when it is called by its fifth run, at most three runs beside its first one;
*once* says how many of the series with one step had exactly one alarm, and that of the step.

The harness calls a shift where three things agree: Student's t between both sides of a split,
the same for runs as dependent on each other as they look, and the order of the values before
and after (`harness/judgement/shifts/`). Beside it stands Apache Otava {OTAVA_VERSION}, asked
after each run by `compute_change_points` with its defaults; its p-value is the largest of a few
at which at most one steady series in a hundred alarms, so that both cry wolf alike. A dash is
what has not been counted yet; the same command goes on.
"""
_DEPENDENT = """\
## Steady runs that follow each other

Limits are those of independent runs. Where each run resembles the one before it, for example
times on a machine that is busy for hours, slow waves look like levels: the shares below are
what to expect. Fresh seeds are independent.
"""
_ORDERS = 200


def write_page(cells: Sequence[Cell], orders: int = _ORDERS) -> str:
    """Write the page from what was counted."""
    tail = campaign.choose_tail(cells)
    otava = None if tail is None else Otava(tail)
    parts = [
        _HEAD,
        *_write_speed(cells),
        "## Steps of normal runs\n",
        *_write_steps(cells, tail),
        "## Steady runs of other laws\n",
        *_write_steady(cells, tuple(INDEPENDENT), tail),
        _DEPENDENT,
        *_write_steady(cells, tuple(DEPENDENT), tail),
        *_write_real(Harness(), otava, orders),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _find(cells: Sequence[Cell], judge: str, what: str, tail: float | None) -> Cell | None:
    fitting = [cell for cell in cells if (cell.judge, cell.what) == (judge, what)]
    if judge == OTAVA:
        fitting = [cell for cell in fitting if cell.tail == tail]
    return fitting[0] if fitting else None


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "—"


def _write_speed(cells: Sequence[Cell]) -> Iterator[str]:
    steady = _find(cells, HARNESS, "normal", 0.0)
    if steady is not None:
        each = steady.seconds / steady.count * 1e3
        yield (
            f"{steady.count:,} steady normal series: {steady.alarms:,} alarm"
            f" ({steady.alarms / steady.count:.2%}). {steady.seconds:.0f} s of processor time,"
            f" {steady.wall:.0f} s by the clock on a machine with other work;"
            f" {each:.2f} ms a series.\n"
        )
    for cell in cells:
        if (cell.judge, cell.what) == (OTAVA, "normal"):
            each = cell.seconds / cell.count * 1e3
            share = _share(cell.alarms, cell.count)
            yield (
                f"Otava at p = {cell.tail:g}: {share} of {cell.count:,} alarm,"
                f" {each:.0f} ms a series.\n"
            )


def _tell_counts(cells: Sequence[Cell], what: str, tail: float | None) -> str:
    """Say how many series each share rests on."""
    both = [_find(cells, judge, what, tail) for judge in (HARNESS, OTAVA)]
    numbers = [f"{cell.count:,}" if cell else "none" for cell in both]
    return f"{numbers[0]} series a row; {numbers[1]} for Otava.\n"


def _write_steps(cells: Sequence[Cell], tail: float | None) -> Iterator[str]:
    yield _tell_counts(cells, str(STEPS[0]), tail)
    yield "| step | in time | once | Otava in time | Otava once |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for step in STEPS:
        row = [str(step)]
        for judge in (HARNESS, OTAVA):
            cell = _find(cells, judge, str(step), tail)
            numbers = (cell.in_time, cell.once) if cell else (0, 0)
            row += [_share(number, cell.count if cell else 0) for number in numbers]
        yield f"| {' | '.join(row)} |"
    yield ""


def _write_steady(
    cells: Sequence[Cell], kinds: Sequence[str], tail: float | None
) -> Iterator[str]:
    yield _tell_counts(cells, kinds[-1], tail)
    yield "| runs | alarms | Otava alarms |"
    yield "| --- | ---: | ---: |"
    for kind in kinds:
        row = [kind]
        for judge in (HARNESS, OTAVA):
            cell = _find(cells, judge, kind, tail)
            row.append(_share(cell.alarms, cell.count) if cell else "—")
        yield f"| {' | '.join(row)} |"
    yield ""


def _write_real(harness: Judge, otava: Judge | None, orders: int) -> Iterator[str]:
    yield "## Real series\n"
    judges = {"the harness": harness, **({} if otava is None else {"Otava": otava})}
    yield (
        f"The Nile at Aswan, {len(real.NILE)} years, whose level fell with {real.NILE_SHIFT}"
        " (G. W. Cobb, Biometrika 65, 1978):\n"
    )
    for name, judge in judges.items():
        calls = real.judge_nile(judge)
        words = [
            f"a level from {real.NILE_FIRST + call.cut} on,"
            f" noticed with {real.NILE_FIRST + call.seen}"
            for call in calls
        ]
        yield f"- {name}: {'; '.join(words) or 'nothing'}"
    rows = {name: list(real.judge_trainings(judge, orders)) for name, judge in judges.items()}
    if not rows["the harness"]:
        return
    one = rows["the harness"][0]
    yield (
        f"\nTrainings of this package by `python -m proofs.history.record`, {one.clean} clean"
        f" and {one.moved} with a defect behind them, in {orders} orders of their seeds:\n"
    )
    yield "| judge | number | defect | moves it by | alarms before | noticed in time |"
    yield "| --- | --- | --- | ---: | ---: | ---: |"
    for name, several in rows.items():
        for row in several:
            cells = (name, f"`{row.metric}`", row.defect, f"{row.size:+.1f} sd")
            shares = (_share(row.alarms, row.orders), _share(row.in_time, row.orders))
            yield f"| {' | '.join((*cells, *shares))} |"
    yield ""
