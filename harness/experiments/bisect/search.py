"""Bisection: which commit made a suite, or one of its guards, red.

Commits run in scratch worktrees, judged by this harness. Each verdict is kept by the digest of
what the suite depends on, so commits that touch no input are not run, sealed hubs of clean
commits count, and a search that was ended goes on where it was. What is answered was seen: the
culprit red and the commit before it green.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from harness.config import config_file
from harness.config.project import Project
from harness.errors import EvidenceMissingError, HarnessError, NothingSelectedError
from harness.evidence.hub import blockers, checkout
from harness.evidence.hub.blockers import Blocker, Register
from harness.experiments.bisect import verdict_cache
from harness.experiments.bisect.verdict_cache import SeenVerdict
from harness.experiments.commits import history, scratch
from harness.experiments.commits.history import State
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement import freshness
from harness.runner.stages import datasets
from harness.runner.stages.child import Stop
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What to search for: ``guard`` is a guard's id, ``stage:<id>``, or None for the verdict.

    ``parameters`` are those that are set, ``datasets`` files by role, as of ``harness run``.
    """

    suite: str
    good: str
    bad: str
    guard: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A commit that was judged, and how."""

    state: State
    verdict: Verdict
    how: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The answer: one suspect, or several where commits in between could not be judged."""

    suspects: tuple[State, ...]
    before: State
    seen: SeenVerdict
    commits: int
    changes: int
    runs: int
    stat: str
    blockers: tuple[Blocker, ...] = ()

    @property
    def culprit(self) -> State:
        """The commit that was seen red, with the one before it green where it is alone."""
        return self.suspects[-1]


@dataclasses.dataclass(slots=True)
class Search:
    """A search under way; ``search`` is called once."""

    project: Project
    request: SearchRequest
    stop: Stop
    on_step: Callable[[Step], None]
    _known: dict[str, SeenVerdict] = field(default_factory=dict)
    _runs: int = 0

    def search(self) -> SearchResult | None:
        """Find the culprit; None when the search was told to stop.

        Raises:
            ConfigError: The revisions cannot be searched, or a file cannot be used.
            EvidenceMissingError: An end is not what it was said to be.
            NothingSelectedError: No commit touches what the suite depends on.
        """
        request = self.request
        digests = self._dataset_digests()
        # Data count by their digest, so that a copy elsewhere finds what is known.
        settings = {"words": " ".join(_words(request.parameters, {}))}
        settings |= {f"dataset:{role}": sha256 for role, sha256 in digests.items()}
        listed = history.states(
            self.project, request.suite, request.good, request.bad, settings
        )
        line = _changes(listed)
        if len(line) == 1:
            raise NothingSelectedError(
                f"{request.good}..{request.bad}",
                found=f"{len(listed) - 1} commits that touch no input of {request.suite}",
                expected="a change",
                remedy="Look at inputs of the suite in harness.toml.",
            )
        self._known = verdict_cache.read_cache(self._place)
        if not request.parameters:
            sealed = verdict_cache.of_hubs(self.project, request.suite, listed, digests)
            self._known = {**sealed, **self._known}
        if not self._stands(line[0]):
            return None
        low, high = self._narrow(line)
        if not (self._proves(line, low, high) and self._shows_both_ends(line, low, high)):
            return None
        return self._answer(listed, line, low, high)

    def _dataset_digests(self) -> dict[str, str]:
        """Return the SHA-256 by role of the files that are given.

        Raises:
            ConfigError: The suite has no such role, or a file cannot be read.
        """
        suite, files = (
            config_file.find_suite(self.project, self.request.suite),
            self.request.datasets,
        )
        datasets.check_given(suite.datasets, files)
        cache = freshness.cache_of(self.project)
        by_role = {
            role: datasets.record_given(role, path, cache.digest)
            for role, path in files.items()
        }
        cache.save()
        return {role: dataset.record.sha256 for role, dataset in by_role.items()}

    @property
    def _place(self) -> Path:
        return self.project.work / "cache" / "bisect" / f"{self.request.suite}.json"

    def _narrow(self, line: Sequence[State]) -> tuple[int, int]:
        """Return the last state taken as green and the first one taken as red."""
        low, high = 0, len(line) - 1
        skipped: set[int] = set()
        while self.stop.signal is None:
            open_ = [i for i in range(low + 1, high) if i not in skipped]
            if not open_:
                break
            middle = (low + high) / 2
            # What is known costs nothing, so it is asked first.
            known = [i for i in open_ if line[i].digest in self._known]
            chosen = min(known or open_, key=lambda i: abs(i - middle))
            verdict = self._verdict(line[chosen], high - low)
            if verdict is Verdict.GREEN:
                low = chosen
            elif verdict is Verdict.RED:
                high = chosen
            else:
                # What cannot be judged is stepped over, not guessed; it ends up among the
                # suspects.
                skipped.add(chosen)
        return low, high

    def _stands(self, first: State) -> bool:
        """See the good end green where everything is run: in a scratch checkout.

        A file that is not committed, or a submodule that nobody cloned, is missing at every
        commit alike: then nothing that turns red there tells of a commit.

        Raises:
            EvidenceMissingError: It is not.
        """
        verdict = self._in_scratch(first, 1)
        if self.stop.signal is None and verdict is not Verdict.GREEN:
            seen = self._known.get(first.digest or "")
            what = self.request.guard or f"suite {self.request.suite}"
            reason = "" if seen is None else f": {seen.reason}"
            raise EvidenceMissingError(
                f"{self.request.good} ({first.commit[:12]})",
                found=f"{what} {verdict} in a scratch checkout{reason}"[:300],
                expected="green there, before any commit is blamed",
                remedy=scratch.tell_missing(self.project, self.request.suite),
            )
        return self.stop.signal is None

    def _in_scratch(self, state: State, left: int) -> Verdict:
        """Return the verdict of a state as run in a scratch checkout, not in the work tree."""
        known = self._known.get(state.digest or "")
        if known is not None and known.how == verdict_cache.HUB:
            # Known from a hub: that run saw the work tree, with what may lie there
            # uncommitted.
            del self._known[state.digest or ""]
        return self._verdict(state, left)

    def _proves(self, line: Sequence[State], low: int, high: int) -> bool:
        """See both sides of the edge judged, should an end have been taken on trust."""
        for index in (high, low):
            if self.stop.signal is None:
                self._in_scratch(line[index], high - low)
        return self.stop.signal is None

    def _shows_both_ends(self, line: Sequence[State], low: int, high: int) -> bool:
        wanted = (
            (low, Verdict.GREEN, self.request.good),
            (high, Verdict.RED, self.request.bad),
        )
        for index, verdict, said in wanted:
            verdict_seen = self._verdict(line[index], 0)
            if verdict_seen is not verdict:
                what = self.request.guard or f"suite {self.request.suite}"
                raise EvidenceMissingError(
                    f"{said} ({line[index].commit[:12]})",
                    found=f"{what} {verdict_seen}",
                    expected=str(verdict),
                    remedy="Name another commit, or repair what keeps it from being judged.",
                )
        return True

    def _verdict(self, state: State, left: int) -> Verdict:
        if state.digest is None:
            return Verdict.INCONCLUSIVE
        seen = self._known.get(state.digest)
        if seen is None:
            seen = self._known[state.digest] = self._run(state)
            verdict_cache.write(self._place, self._known)
        elif left:
            self._tell_progress(state, seen, left)
        return seen.verdict_of(self.request.guard)

    def _tell_progress(self, state: State, seen: SeenVerdict, left: int) -> None:
        verdict = seen.verdict_of(self.request.guard)
        self.on_step(Step(state=state, verdict=verdict, how=seen.how, left=left))

    def _run(self, state: State) -> SeenVerdict:
        request = self.request
        self._runs += 1
        try:
            with scratch.worktree(self.project, state.commit, "bisect") as root:
                words = _words(request.parameters, request.datasets)
                hub, record = scratch.run_suite(
                    self.project,
                    request.suite,
                    root,
                    self.stop,
                    words,
                    program=(sys.executable, scratch.JUDGED_HERE),
                )
                seen = verdict_cache.of_hub(hub, record, "run")
        except (HarnessError, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            seen = SeenVerdict(
                commit=state.commit, verdict=Verdict.INCONCLUSIVE, parts={}, reason=reason
            )
        if self.stop.signal is not None:
            seen = replace(seen, verdict=Verdict.INCONCLUSIVE, parts={})
        self._tell_progress(state, seen, 0)
        return seen

    def _answer(
        self, listed: Sequence[State], line: Sequence[State], low: int, high: int
    ) -> SearchResult:
        seen = self._known[line[high].digest or ""]
        before = listed[listed.index(line[low + 1]) - 1]
        culprit = line[high].commit
        result = SearchResult(
            suspects=tuple(line[low + 1 : high + 1]),
            before=before,
            seen=seen,
            commits=len(listed) - 1,
            changes=len(line) - 1,
            runs=self._runs,
            stat=_stat(self.project, before.commit, culprit),
        )
        return replace(result, blockers=_register(self.project, seen, result))


def _stat(project: Project, before: str, culprit: str) -> str:
    said = checkout.call(project.root, "diff", "--stat=72", f"{before}..{culprit}")
    return said.decode(errors="replace").rstrip("\n")


def _words(parameters: Mapping[str, str], files: Mapping[str, Path]) -> tuple[str, ...]:
    """Write options of ``harness run``; it runs elsewhere, so paths are absolute."""
    pairs = [("--set", f"{name}={value}") for name, value in parameters.items()]
    pairs += [("--with", f"{role}={real_path(path)}") for role, path in files.items()]
    return tuple(word for pair in pairs for word in pair)


def _changes(listed: Sequence[State]) -> list[State]:
    """Leave out commits at which the suite depends on the same as at the one before."""
    line = [listed[0]]
    line += [now for then, now in itertools.pairwise(listed) if now.digest != then.digest]
    return line


def _register(project: Project, seen: SeenVerdict, result: SearchResult) -> tuple[Blocker, ...]:
    """Return the blockers of the culprit; what the register does not know is added to it."""
    register = Register(project.hubs)
    known = {blocker.id: blocker for blocker in register.entries()}
    listed = []
    for note in seen.notes:
        blocker, body = blockers.split_note(note)
        if blocker.id not in known:
            register.keep(blocker, f"{body}\n{_describe_result(result)}")
        listed.append(known.get(blocker.id, blocker))
    return tuple(listed)


def _describe_result(result: SearchResult) -> str:
    lines = ["## Found by bisection", ""]
    lines += [f"First red at {result.culprit.commit} ({result.culprit.subject})."]
    lines += ["", *(f"    {line}" for line in result.stat.splitlines()), ""]
    return "\n".join(lines)
