"""The tests of two runs side by side: what was there and passed has to be there and pass."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import digest
from harness.judgement.gate import difference, moves
from harness.judgement.gate.difference import Change, Difference

PASSED, SKIPPED, FAILED, CHOSEN = "passed", "skipped", "failed", "chosen"
_LARGEST = 64 << 20
_TAGS = {"failure": FAILED, "error": FAILED, "skipped": SKIPPED}
_NAMED = 200  # differences told one by one

Outcomes = Mapping[str, str]


def read_hub(hub: Path, stages: Iterable[str]) -> dict[str, str]:
    """Return the outcome of each test in the JUnit files of a hub, by ``group::name``.

    A hub's bytes are verified before: a file that cannot be read is damage.

    Raises:
        IntegrityError: A JUnit file is too large or no XML.
    """
    outcomes: dict[str, str] = {}
    for stage in stages:
        for folder in ("green", "red"):
            path = hub / folder / f"{stage}.junit.xml"
            if path.is_file():
                outcomes |= parse(digest.read_bytes(path, _LARGEST), path.name)
    return outcomes


def parse(content: bytes, where: str) -> dict[str, str]:
    """Return the outcomes in a JUnit file; of a test that is written twice, the worst.

    Raises:
        IntegrityError: It is no XML.
    """
    try:
        root = ET.fromstring(content)  # noqa: S314 - expat bounds entity expansion
    except ET.ParseError as error:
        raise IntegrityError(
            where,
            found=f"no XML: {error}"[:120],
            expected="a JUnit file",
            remedy="Restore the hub from a copy, or run the suite again.",
        ) from error
    order = (PASSED, SKIPPED, FAILED)
    outcomes: dict[str, str] = {}
    for case in root.iter("testcase"):
        id_ = f"{case.get('classname', '')}::{case.get('name', '')}"
        kinds = [_TAGS[child.tag] for child in case if child.tag in _TAGS]
        worst = max([outcomes.get(id_, PASSED), *kinds], key=order.index)
        outcomes[id_] = worst
    return outcomes


def name_test(node: str) -> str:
    """Write a node id (``tests/a.py::B::c[d]``) as ``parse`` does (``tests.a.B::c[d]``)."""
    head, bracket, parameters = node.partition("[")
    path, *names = head.split("::")
    group = ".".join([moves.dot(path), *names[:-1]])
    return f"{group}::{names[-1] if names else ''}{bracket}{parameters}"


def compare_tests(
    suite: str, was: Outcomes, now: Outcomes, moved: Mapping[str, str]
) -> Iterator[Difference]:
    """Compare tests by id: gone, or skipped where it passed, is weaker; more is stricter.

    Args:
        suite: Name of the suite.
        was: Outcomes at the base; ``chosen`` where a test was collected and not run.
        now: Outcomes of the run at hand.
        moved: New paths of files that only moved.
    """
    prefix = f"tests.{suite}"
    ids = {id_: moves.follow_test(id_, moved) for id_ in was}
    ids_before = set(ids.values())
    count = 0
    for id_, here in sorted(ids.items()):
        before, after = was[id_], now.get(here)
        if after is None:
            yield difference.mark_removed(f"{prefix}.{id_}", before, "the test is gone")
        elif after == SKIPPED and before in (PASSED, CHOSEN, FAILED):
            classed = (Change.WEAKER, "the test is skipped")
            yield difference.make_difference(f"{prefix}.{id_}", before, after, classed)
        else:
            continue
        count += 1
        if count > _NAMED:
            rest = sum(1 for other in ids.values() if other not in now)
            why = "too many to tell one by one"
            yield difference.mark_removed(prefix, f"{len(was)} tests, {rest} gone", why)
            return
    new = [id_ for id_ in now if id_ not in ids_before]
    if new:
        yield difference.mark_added(prefix, f"{len(new)} tests more", "more is tested")
