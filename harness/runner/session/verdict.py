"""Notes of a pytest session in; out, whether what was collected ran and passed.

red            a test failed, or somebody made something else of its failure
inconclusive   something that was collected did not run, whoever decided that
green          every collected test reported, and nothing but the selectors chose them
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from harness.runner.session.notes import (
    ERROR,
    QUARANTINED,
    UNFINISHED,
    SessionNotes,
    TestNotes,
)
from harness.verdict import Verdict

_NAMED = 3
_FAILED = (1, 2, 3, 4)  # what pytest ends with when something went wrong
_SHOWN_LEFT_OUT = 10


def count(notes: SessionNotes) -> dict[str, int]:
    """Count tests by outcome; empty where none was seen."""
    outcomes = [test.outcome for test in list_tests(notes)]
    if not outcomes:
        return {}
    counts = {
        "collected": len(outcomes),
        "passed": outcomes.count("passed"),
        "failed": outcomes.count("failed"),
        "errors": outcomes.count(ERROR),
        "skipped": outcomes.count("skipped"),
    }
    further = {QUARANTINED: outcomes.count(QUARANTINED), UNFINISHED: outcomes.count(UNFINISHED)}
    return counts | {name: n for name, n in further.items() if n}


def list_tests(notes: SessionNotes) -> list[TestNotes]:
    """Return every test that was to run, those that nobody reported included."""
    left_out = {test for group in notes.left_out for test in group.tests}
    missing = [
        TestNotes(name)
        for name in notes.collected
        if name not in notes.tests and name not in left_out
    ]
    return [*notes.tests.values(), *missing]


def judge(notes: SessionNotes, exit_code: int) -> tuple[Verdict, str] | None:
    """Judge whether a session is whole and honest; None where nothing speaks against it.

    Args:
        notes: What the session noted.
        exit_code: Of pytest's process.
    """
    red = next(_red_reasons(notes, exit_code), None)
    if red is not None:
        return Verdict.RED, red
    open_ = next(_inconclusive(notes), None)
    if open_ is None:
        return None
    # Whoever broke off with a failure failed; a stop that looks like success proves nothing.
    return (Verdict.RED if exit_code == 1 else Verdict.INCONCLUSIVE), open_


def _red_reasons(notes: SessionNotes, exit_code: int) -> Iterator[str]:
    tests = list_tests(notes)
    for test in tests:
        if test.changed:
            yield f"{test.id}: {test.changed}"
    bad = [test.id for test in tests if test.is_bad]
    if bad:
        message = f"{len(bad)} of {len(tests)} tests did not pass"
        if exit_code == 0:
            message += f", but the session ended with exit code 0: {_some(bad)}"
        yield message
    finish = notes.finish
    if (
        finish is not None
        and exit_code == 0
        and (finish["status"] or finish["before"] in _FAILED)
    ):
        status = finish["status"] or finish["before"]
        who = ", ".join(finish["suspects"]) or "something unknown"
        yield f"the session ended with {status}, its process with 0: changed by {who}"


def _inconclusive(notes: SessionNotes) -> Iterator[str]:
    tests = list_tests(notes)
    if notes.damage:
        yield f"the notes of the session were tampered with: {notes.damage}"
    left_out = {name for group in notes.left_out for name in group.tests}
    open_ = [
        test.id
        for test in tests
        if _is_open(test, notes.collected, is_thinned=test.id in left_out)
    ]
    why = f" ({'; '.join(notes.options)})" if notes.options else ""
    if notes.finish is None:
        done = len(tests) - len(open_)
        progress = f"{done} of {len(tests)} tests reported"
        yield f"the session left no record of its end: {progress}{why}"
        return
    if not notes.has_collected:
        yield f"the session collected nothing{why}"
    if open_:
        stop = notes.finish["stopped"]
        because = f", stopped: {stop}" if stop else ""
        yield (
            f"{len(open_)} of {len(tests)} collected tests did not run to their end"
            f"{because}: {_some(open_)}{why}"
        )
    yield from _doubts(tests, notes)
    for group in notes.left_out:
        if not group.declared:
            many = f"{len(group.tests)} collected test{'' if len(group.tests) == 1 else 's'}"
            yield (
                f"{many} left out by {group.by}, not by the selectors: {_some(group.tests)}; "
                "declare it in the selectors of the stage, or let them run"
            )


def _doubts(tests: Sequence[TestNotes], notes: SessionNotes) -> Iterator[str]:
    doubts = [f"{test.id} {test.doubt}" for test in tests if test.doubt]
    if doubts:
        yield _some(doubts)
    if notes.start.get("optimize"):
        yield (
            "Python runs with -O (PYTHONOPTIMIZE), which executes no assert statement outside "
            "of test modules: run the stage without it"
        )


def _is_open(test: TestNotes, collected: Mapping[str, int], *, is_thinned: bool) -> bool:
    """Say whether a test, or one of several of its id, did not run to its end."""
    wanted = 1 if is_thinned else collected.get(test.id, 0)
    return test.outcome == UNFINISHED or not test.is_over or test.ends < wanted


def describe_selection(notes: SessionNotes) -> tuple[str, ...]:
    """Say what decided which tests ran, and what of it the selectors do not say."""
    lines = [f"option {option}" for option in notes.options]
    lines += [f"key {key}" for key in notes.keys]
    for group in notes.left_out:
        tests = list(group.tests[:_SHOWN_LEFT_OUT])
        rest = len(group.tests) - len(tests)
        more = f" and {rest} more" if rest else ""
        lines.append(f"left out by {group.by}: {', '.join(tests)}{more}")
    lines += [f"no test in {name}" for name in notes.empty[:_SHOWN_LEFT_OUT]]
    if notes.marked:
        line = f"{_some(notes.marked)}: marked to be skipped or to fail after the collection"
        lines.append(line)
    expected = sum(test.is_expected for test in notes.tests.values())
    if expected:
        lines.append(f"{expected} test{'' if expected == 1 else 's'} expected to fail (xfail)")
    return tuple(lines)


def find_unknown(names: Sequence[str], notes: SessionNotes) -> list[str]:
    """Say which quarantines named no test that ran, each with the nearest that did."""
    met = {test.quarantine for test in notes.tests.values()}
    lines = []
    for name in names:
        if name not in met:
            near = difflib.get_close_matches(name, list(notes.tests), n=1, cutoff=0.5)
            lines.append(name + (f"; did you mean {near[0]!r}?" if near else ""))
    return lines


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
