"""The search for a culprit: few runs, both sides seen, nothing guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.config.project import Project
from harness.errors import EvidenceMissingError, NothingSelectedError
from harness.evidence.hub import checkout
from harness.experiments.bisect.search import Search, SearchRequest, SearchResult
from harness.experiments.bisect.verdict_cache import SeenVerdict
from harness.experiments.commits import history
from harness.experiments.commits.history import State
from harness.runner.stages.child import Stop
from harness.verdict import Verdict
from tests.builders import hubs

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE
_COUNT = 30


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return hubs.project(tmp_path / "p")


class Line:
    """A line of commits whose verdicts are known, without git and without runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, verdicts: list[Verdict]) -> None:
        self.verdicts, self.ran = verdicts, list[int]()
        self.same: set[int] = set()  # commits that change nothing the suite depends on
        self._patch = monkeypatch
        monkeypatch.setattr(history, "states", lambda *_: self.states())
        monkeypatch.setattr(checkout, "call", lambda *words: b"stat of %a" % words[-1])

    def states(self) -> tuple[State, ...]:
        """Return the commits as history would read them."""
        made, digest = [], ""
        for index in range(len(self.verdicts)):
            digest = digest if index in self.same else f"d{index}"
            made.append(
                State(
                    commit=f"{index:040}", subject=f"c{index}", digest=digest, declaration="x"
                )
            )
        return tuple(made)

    def search(
        self,
        project: Project,
        stop: Stop,
        guard: str | None = None,
        on_run: Callable[[int], None] = lambda _: None,
    ) -> SearchResult | None:
        """Search the line, noting each run."""

        def run(_search: Search, state: State) -> SeenVerdict:
            index = int(state.commit)
            self.ran.append(index)
            on_run(index)
            verdict = self.verdicts[index] if stop.signal is None else OPEN
            parts = {"floor": verdict.value, "ceiling": GREEN.value}
            return SeenVerdict(commit=state.commit, verdict=verdict, parts=parts, reason="r")

        self._patch.setattr(Search, "_run", run)
        request = SearchRequest(suite="tiny", good="good", bad="bad", guard=guard)
        return Search(project, request, stop, lambda _: None).search()


@pytest.mark.parametrize("planted", range(1, _COUNT + 1))
def test_culprit_is_found_in_seven_runs(
    project: Project, stop: Stop, monkeypatch: pytest.MonkeyPatch, planted: int
) -> None:
    """Wherever it lies among thirty, the culprit is red and the commit before it green."""
    line = Line(monkeypatch, [GREEN] * planted + [RED] * (_COUNT + 1 - planted))

    result = line.search(project, stop)

    assert result is not None
    assert (int(result.culprit.commit), int(result.before.commit)) == (planted, planted - 1)
    assert len(line.ran) == len(set(line.ran)) <= 7
    assert line.ran[0] == 0  # before any commit is blamed
    assert {planted, planted - 1} <= set(line.ran)


def test_commits_that_touch_no_input_are_not_run(
    project: Project, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal digests are one state; the culprit is the commit that changed it."""
    line = Line(monkeypatch, [GREEN] * 8 + [RED] * 12)
    line.same = {1, 2, 3, 5, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19}

    result = line.search(project, stop)

    assert result is not None
    assert (int(result.culprit.commit), int(result.before.commit)) == (8, 7)
    assert (result.commits, result.changes) == (19, 5)
    assert not line.same & set(line.ran)


def test_what_cannot_be_judged_leaves_suspects(
    project: Project, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits that cannot be judged between green and red are all suspects."""
    line = Line(monkeypatch, [GREEN] * 4 + [OPEN] * 3 + [RED] * 6)

    result = line.search(project, stop)

    assert result is not None
    assert [int(s.commit) for s in result.suspects] == [4, 5, 6, 7]
    assert int(result.before.commit) == 3


@pytest.mark.parametrize(
    ("verdicts", "where"),
    [([RED] * 6, "good"), ([GREEN] * 6, "bad"), ([OPEN] + [RED] * 5, "good")],
)
def test_end_that_is_not_as_said_is_told(
    project: Project,
    stop: Stop,
    monkeypatch: pytest.MonkeyPatch,
    verdicts: list[Verdict],
    where: str,
) -> None:
    """A good commit that is red, or a bad one that is green, is no answer."""
    with pytest.raises(EvidenceMissingError) as caught:
        Line(monkeypatch, verdicts).search(project, stop)

    assert caught.value.where.startswith(where)


def test_stopped_search_goes_on(
    project: Project, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was judged before a stop is not run again; what was cut off is."""
    line = Line(monkeypatch, [GREEN] * 13 + [RED] * 18)

    def at_third(_index: int) -> None:
        if len(line.ran) == 3:
            stop.request(15)

    assert line.search(project, stop, on_run=at_third) is None
    before = list(line.ran)
    again = Stop()
    result = line.search(project, again)
    again.close()

    assert result is not None
    assert int(result.culprit.commit) == 13
    assert not set(before[:2]) & set(line.ran[len(before) :])
    assert before[2] in line.ran[len(before) :]


def test_one_guard_is_searched(
    project: Project, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search for a guard asks that guard; one that is green at the bad end is told."""
    line = Line(monkeypatch, [GREEN] * 3 + [RED] * 5)

    result = line.search(project, stop, guard="floor")
    assert result is not None
    assert int(result.culprit.commit) == 3
    with pytest.raises(EvidenceMissingError):
        line.search(project, stop, guard="ceiling")


def test_no_change_is_nothing_selected(
    project: Project, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no commit touches an input there is nothing to search."""
    line = Line(monkeypatch, [GREEN] * 4)
    line.same = {1, 2, 3}

    with pytest.raises(NothingSelectedError):
        line.search(project, stop)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--good", "HEAD", "--bad", "HEAD"), 2),
        (("--good", "HEAD", "--bad", "HEAD~1"), 2),
        (("--good", "nothing-like-it"), 2),
        (("--good", "HEAD~1", "--guard", "flor"), 2),
        (("--good", "HEAD~1"), 5),
    ],
)
def test_what_cannot_be_searched_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int
) -> None:
    """Wrong revisions and guards are one line; commits without an input select nothing."""
    hubs.commit(project.root)
    (project.root / "notes.md").write_text("words")
    hubs.commit(project.root)

    assert main.main(["bisect", "tiny", "-C", str(project.root), *words, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == code


def test_digest_follows_inputs_and_declaration_only(project: Project) -> None:
    """Notes leave the digest alone; the source, its removal and the declaration change it."""
    root = project.root
    first = hubs.commit(root)
    edits: list[Callable[[], object]] = [
        lambda: (root / "notes.md").write_text("words"),
        lambda: (root / "source/model.py").write_text("GAIN = 2\n"),
        lambda: (root / "source/model.py").write_text("GAIN = 1\n"),
        lambda: hubs.declare(root, tiny=hubs.suite(max_age_days=3)),
        (root / "harness.toml").unlink,
    ]
    for edit in edits:
        edit()
        hubs.commit(root)

    digests = [s.digest for s in history.states(project, "tiny", first, "HEAD", {})]

    start, notes, source, back, declared, gone = digests
    assert start == notes == back
    assert len({start, source, declared}) == 3
    assert gone is None
