"""Drills of two revisions side by side: planted defects must stay, and stay as hard to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.frozen import dataclass
from harness.judgement.gate import difference, moves
from harness.judgement.gate.difference import Change, Classed, Difference
from harness.judgement.gate.rules import DRILLS, RuleSet
from harness.judgement.verify import report
from harness.judgement.verify.report import Row

_KEYS = ("Suite", "Guard", "Defect")


@dataclass(frozen=True, slots=True)
class DrillText:
    """A drill as written: its header, the files it changes, the lines it takes and puts in."""

    suite: str
    guard: str
    defect: str
    files: tuple[str, ...]
    lines: tuple[str, ...]


def read_drill(content: bytes) -> DrillText:
    """Read a drill; what a header lacks is empty, for ``harness drill`` refuses it anyway."""
    text = content.decode(errors="replace").splitlines()
    start = next(
        (i for i, line in enumerate(text) if line.startswith(("diff --git", "--- "))), 0
    )
    pairs = (line.partition(":") for line in text[:start])
    head = {key: value.strip() for key, colon, value in pairs if colon and key in _KEYS}
    diff = text[start:]
    heads = {
        place
        for index, line in enumerate(diff[1:], start=1)
        if line.startswith("+++ ") and diff[index - 1].startswith("--- ")
        for place in (index - 1, index)
    }
    files = tuple(diff[place][4:].partition("/")[2] for place in sorted(heads))
    marks = ("+", "-")
    lines = tuple(
        line for index, line in enumerate(diff) if line.startswith(marks) and index not in heads
    )
    suite, guard, defect = (head.get(key, "") for key in _KEYS)
    return DrillText(suite, guard, defect, files, lines)


def compare_drills(
    was: Mapping[str, bytes], now: Mapping[str, bytes], moved: Mapping[str, str]
) -> Iterator[Difference]:
    """Compare the drills by name; one that only has another name is found.

    Args:
        was: Drills of the base by name of their files.
        now: Drills of the change.
        moved: New paths of files that only moved.
    """
    new = {name: content for name, content in now.items() if name not in was}
    for name, content in was.items():
        rule = f"drills.{name.removesuffix('.patch')}"
        if name in now:
            if content != now[name]:
                yield from _compare(rule, _follow(content, moved), read_drill(now[name]))
            continue
        old = _follow(content, moved)
        heir = next((n for n, c in new.items() if read_drill(c) == old), None)
        if heir is None:
            yield difference.mark_removed(rule, _tell(old), "the drill is gone")
        else:
            del new[heir]
            change = (Change.OTHER, "only its name is another")
            yield difference.make_difference(rule, name, heir, change)
    for name, content in new.items():
        rule = f"drills.{name.removesuffix('.patch')}"
        yield difference.mark_added(rule, _tell(read_drill(content)), "a drill more")


def _follow(content: bytes, moved: Mapping[str, str]) -> DrillText:
    """Read a drill, its files where they are after the moves."""
    read = read_drill(content)
    return replace(read, files=tuple(moves.follow(path, moved) for path in read.files))


def _compare(rule: str, was: DrillText, now: DrillText) -> Iterator[Difference]:
    pairs = (("suite", was.suite, now.suite), ("guard", was.guard, now.guard))
    for key, before, after in pairs:
        if before != after:
            change: Classed = (Change.WEAKER, f"another {key} is expected to catch it")
            yield difference.make_difference(f"{rule}.{key}", before, after, change)
    planted, plants = ((*drill.files, *drill.lines) for drill in (was, now))
    if planted != plants:
        change = (Change.WEAKER, "it plants another defect, which may be easier to find")
        yield difference.make_difference(f"{rule}.patch", planted, plants, change)
    elif (was.suite, was.guard) == (now.suite, now.guard):
        change = (Change.OTHER, "the same defect, with other words or another context")
        yield difference.make_difference(rule, was.defect, now.defect, change)


def _tell(drill: DrillText) -> str:
    return f"{drill.suite}: {drill.guard} must catch: {drill.defect}"


def find_changed_guards(
    now: RuleSet, differences: Sequence[Difference]
) -> tuple[tuple[str, str], ...]:
    """Return suite and id of each guard that is new or changed, and still there."""
    if now.project is None:
        return ()
    rules = {difference_.rule for difference_ in differences}
    return tuple(
        (suite.name, guard.id)
        for suite in now.project.suites.values()
        for guard in suite.guards
        if _is_touched(f"suites.{suite.name}.guards.{guard.id}", rules)
    )


def _is_touched(rule: str, rules: set[str]) -> bool:
    return any(one == rule or one.startswith(f"{rule}.") for one in rules)


def tell_undrilled(now: RuleSet, differences: Sequence[Difference]) -> Iterator[Row]:
    """Tell each guard that is new or changed, and that no drill is said to turn red."""
    changed = find_changed_guards(now, differences)
    if not changed:
        return
    drilled = {read_drill(text).guard for text in now.files(DRILLS, ".patch").values()}
    for suite, guard in changed:
        if guard not in drilled:
            message = f"guard {guard} of {suite} is new or changed, and no drill turns it red"
            yield report.note_row(
                "drills", report.printable(message), "Write one: harness drill."
            )
