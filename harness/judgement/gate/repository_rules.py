"""Files of a repository that decide who is asked, what is shown and what is checked out.

The workflows that call the gate, the owners of code, and git's attributes: they are no rules of
a suite, and yet a change of them can take a rule out of sight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from harness.judgement.gate import difference
from harness.judgement.gate.difference import Change, Classed, Difference
from harness.judgement.gate.rules import RuleSet

_OWNERS = ("CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
_ATTRIBUTES = ".gitattributes"
_WORKFLOWS = (".github/workflows/", ".github/actions/")
_CALLERS = ("action.yml", "action.yaml", ".gitlab-ci.yml", ".pre-commit-config.yaml")
# Owners of these answer for rules; so does whoever owns everything.
_RULES = re.compile(r"harness\.toml|waivers|golden|drills|hubs|^\s*(?:\*|/)\s")
# What makes a file look or be otherwise than it was committed, or hides it from a reviewer.
_HIDING = re.compile(
    r"(?:^|\s)(?:filter|ident|working-tree-encoding|export-subst|merge|binary"
    r"|-diff|linguist-generated|gitlab-generated)(?:[=\s]|$)"
)
_CALLS = re.compile(r"harness|gate|forward-parity|make check", re.IGNORECASE)
# What lets a step fail, or leaves it out.
_SOFT = re.compile(
    r"continue-on-error|allow_failure|\|\|\s*(?:true|:)|set \+e"
    r"|^\s*(?:-\s*)?(?:if|when|on|rules|only|except|paths|paths-ignore|branches-ignore|types)\s*:"
    r"|--tests none|--allow-stale|\bexit 0|pull_request_target|\bskip\b"
)
_REMARK = re.compile(r"(?:^|\s)#.*$")
# Whether it was there, the lines that are lost, and those that are new.
_Compare = Callable[[bool, Sequence[str], Sequence[str]], Classed]


def compare_repositories(was: RuleSet, now: RuleSet) -> Iterator[Difference]:
    """Compare what is beside the declaration, and decides who is asked and what is seen."""
    for path in sorted({*was.blobs, *now.blobs}):
        if was.blobs.get(path) == now.blobs.get(path):
            continue
        compare = _choose(path)
        if compare is None:
            continue
        old, new = (_lines(side, path) for side in (was, now))
        lost = [line for line in old if line not in new]
        gained = [line for line in new if line not in old]
        # A new file of owners stands before the old one, or behind it: neither is nothing.
        is_known = path in was.blobs or (path in _OWNERS and _has_owners(was))
        classed = compare(is_known, lost, gained)
        if lost or gained or path not in now.blobs:
            before, after = ("\n".join(side) or None for side in (lost, gained))
            yield difference.make_difference(f"repository.{path}", before, after, classed)


def _has_owners(rules: RuleSet) -> bool:
    return any(path in rules.blobs for path in _OWNERS)


def _choose(path: str) -> _Compare | None:
    if path in _OWNERS:
        return _compare_owners
    if PurePosixPath(path).name == _ATTRIBUTES:
        return _compare_attributes
    if path in _CALLERS or path.startswith(_WORKFLOWS):
        return _compare_callers
    return None


def _lines(rules: RuleSet, path: str) -> list[str]:
    """Return the lines of a file that say something; a link says nothing."""
    blob = rules.blobs.get(path, "!")
    if blob.startswith("!"):
        return []
    text = rules.reader.content(blob, path).decode(errors="replace")
    stripped = (_REMARK.sub("", line).rstrip() for line in text.splitlines())
    return [line for line in stripped if line.strip()]


def _compare_owners(
    was_there: bool,  # noqa: FBT001 - one shape for all
    lost: Sequence[str],
    gained: Sequence[str],
) -> Classed:
    if was_there and (not gained or any(map(_RULES.search, (*lost, *gained)))):
        return Change.WEAKER, "others may have to agree to a change of rules, or nobody"
    return (Change.OTHER if was_there else Change.STRICTER), "who is asked to agree"


def _compare_attributes(
    _was_there: bool,  # noqa: FBT001 - one shape for all
    _lost: Sequence[str],
    gained: Sequence[str],
) -> Classed:
    if any(map(_HIDING.search, gained)):
        return Change.WEAKER, "a file may look otherwise than it was committed, or not be shown"
    return Change.OTHER, "how git treats files"


def _compare_callers(
    was_there: bool,  # noqa: FBT001 - one shape for all
    lost: Sequence[str],
    gained: Sequence[str],
) -> Classed:
    if any(map(_CALLS.search, lost)):
        return Change.WEAKER, "what calls the harness is another, or gone"
    if was_there and any(map(_SOFT.search, gained)):
        return Change.WEAKER, "a step may be left out, or fail unseen"
    return Change.OTHER, "what runs beside the gate"
