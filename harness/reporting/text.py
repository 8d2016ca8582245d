"""Numbers, times and foreign text as people read them; shared by all renderers."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from harness.evidence.hub.printable import defuse
from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord, StageRecord
from harness.verdict import Verdict

MARKS = {Verdict.GREEN: "✓", Verdict.INCONCLUSIVE: "?", Verdict.RED: "✗"}
_BARS = "▁▂▃▄▅▆▇█"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_KIBI = 1024
_LEAST_SECONDS = 10
_BY_DEFAULT = "default"
_NOT_ENDED = ("interrupted", "skipped")
_OUTCOMES = ("passed", "failed", "errors", "skipped")


def visible(text: str) -> str:
    """Return foreign text without control characters, direction marks and CI command marks.

    Line ends and tabs become spaces; everything else that a terminal would obey is dropped.
    """
    spaced = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    # Category C of Unicode: controls, direction marks, surrogates, private and unassigned
    # ones.
    printable = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    return defuse(printable)


def describe_verdict(record: HubRecord) -> str:
    """Write a verdict with what it leaves out: what did not count is never silently green."""
    words = [record.answer, quarantine.standing_out(record)]
    if record.expects:
        words.insert(1, f"at most {record.expects} by {record.expected_by[:19]}")
    beside = ", ".join(word for word in words if word)
    return record.verdict.value + (f" ({beside})" if beside else "")


def next_commands(record: HubRecord, hubs: str = "hubs") -> tuple[str, ...]:
    """Say what to type next, the most useful first."""
    hub = f"{hubs}/{record.suite}/{record.run_id}"
    verify = f"harness verify --hub {hub}"
    if record.verdict is Verdict.GREEN:
        return (verify, "harness status")
    again = f"harness run {record.suite}"
    if record.verdict is Verdict.INCONCLUSIVE:  # it has no blockers
        is_whole = all(stage.outcome not in _NOT_ENDED for stage in record.stages)
        return (f"harness explain {hub}", verify, again) if is_whole else (again, verify)
    return (f"harness blockers list --suite {record.suite}", verify, again)


def number(value: float | None) -> str:
    """Write a number with four significant digits; ``None`` is an em dash."""
    return "—" if value is None else f"{value:.4g}"


def interval(low: float | None, high: float | None) -> str:
    """Write what is allowed: ``≥ low``, ``≤ high`` or ``low … high``."""
    if low is None and high is None:
        return "—"
    if low is None:
        return f"≤ {number(high)}"
    return f"≥ {number(low)}" if high is None else f"{number(low)} … {number(high)}"


def duration(seconds: float) -> str:
    """Write a duration: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 04 min``."""
    if seconds < _LEAST_SECONDS:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def size(count: int | None) -> str:
    """Write a size in bytes with a binary unit; ``None`` is an em dash."""
    if count is None:
        return "—"
    if count < _KIBI:
        return f"{count} B"
    value, unit = count / _KIBI, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if value < _KIBI:
            break
        value, unit = value / _KIBI, larger
    return f"{value:.1f} {unit}"


def moment(stamp: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: The text is no such time.
    """
    read = datetime.fromisoformat(stamp)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def age(stamp: str, now: datetime) -> str:
    """Write how long ago a time was: ``just now``, ``5 min ago``, ``3 h ago`` and so on."""
    seconds = (now - moment(stamp)).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    days = int(seconds // _DAY)
    return f"{days} day{'' if days == 1 else 's'} ago"


def fold(results: Sequence[GuardResult]) -> tuple[tuple[GuardResult, ...], int]:
    """Part what a reader must see from the guards on by default that found nothing wrong.

    Returns:
        The declared guards and whatever is not green, in their order; the number of the rest.
    """
    listed = tuple(
        r for r in results if r.kind != _BY_DEFAULT or r.verdict is not Verdict.GREEN
    )
    return listed, len(results) - len(listed)


def describe_folded(count: int) -> str:
    """Say what was folded away; empty when nothing was."""
    words = "finite, not constant, no record twice"
    return (
        f"and {count} guard{'' if count == 1 else 's'} on by default ({words}): all green"
        if count
        else ""
    )


def counts(tests: Mapping[str, int]) -> str:
    """Write how tests ended, ``247 passed, 5 skipped``; empty where there were none."""
    known = [name for name in _OUTCOMES if tests.get(name)]
    others = sorted(n for n in tests if n not in _OUTCOMES and n != "collected" and tests[n])
    return ", ".join(f"{tests[name]} {name}" for name in (*known, *others))


def list_selection(stages: Iterable[StageRecord]) -> list[str]:
    """Say what decided which tests ran, beside the selectors of each stage."""
    return [f"{stage.id}: {line}" for stage in stages for line in stage.selection]


def describe_reason(stage: StageRecord) -> str:
    """Return the reason of a stage without what its counts of tests say already."""
    passed, collected = stage.tests.get("passed"), stage.tests.get("collected")
    return stage.reason.removeprefix(f"{passed} of {collected} tests passed").lstrip("; ")


def note(stage: StageRecord) -> str:
    """Say how a stage ended, once: its tests, and what else there is to say."""
    return visible(
        "; ".join(words for words in (counts(stage.tests), describe_reason(stage)) if words)
    )


def remedy_of(result: GuardResult) -> str:
    """Return the remedy of a red guard; what could not be judged has nothing to be mended."""
    return result.remedy if result.verdict is Verdict.RED else ""


def sentences(*parts: str) -> str:
    """Join texts that may lack their full stop."""
    stripped = (part.strip() for part in parts)
    return " ".join(part if part[-1] in ".!?:…" else f"{part}." for part in stripped if part)


def describe_unmoved(same: int, rest: int) -> list[str]:
    """Say how many metrics moved too little to be shown, and how many not at all."""
    lines = [f"{rest} more moved less."] if rest > 0 else []
    return [*lines, f"{same} metric{'' if same == 1 else 's'} did not move."] if same else lines


def _quarter(value: float) -> float:
    """Scale down, so that the difference of any two is a float."""
    return float(value) / 4


def sparkline(values: Sequence[float]) -> str:
    """Draw values as eight-level bars between the least and the greatest; ``×`` is not finite.

    Equal values lie on one middle line. Values that span more than two decades are drawn on a
    logarithmic scale.
    """
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return "×" * len(values)
    scale = math.log10 if is_logarithmic(finite) else _quarter
    low, high = scale(min(finite)), scale(max(finite))
    span = high - low
    marks = []
    for value in values:
        if not math.isfinite(value):
            marks.append("×")
        elif span <= 0:
            marks.append(_BARS[3])
        else:
            marks.append(_BARS[round((scale(value) - low) / span * (len(_BARS) - 1))])
    return "".join(marks)


def is_logarithmic(values: Sequence[float]) -> bool:
    """Say whether values want a logarithmic scale: all positive and over two decades."""
    least, greatest = min(values), max(values)
    return least > 0 and greatest / least > 100  # noqa: PLR2004 - two decades
