"""One change at a time: committed on the base, run to a hub, and judged by the gate."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from harness.config import stage_environment
from harness.evidence.hub import stamp
from harness.evidence.numerics import numeric_class
from harness.files import sha256_bytes
from harness.judgement.declaration import load_project
from harness.judgement.gate import conductor, tests_rules
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.options import GateOptions
from harness.judgement.gate.report import GateReport, RuleChange
from harness.runner import workflow
from harness.runner.options import RunOptions
from proofs.weakenings import grounds, honest, of_guards, of_projects, of_suites
from proofs.weakenings.grounds import SUITES, Ground
from proofs.weakenings.honest import Honest
from proofs.weakenings.loosen import Weakening
from tests.builders import hubs

WEAKENINGS: tuple[Weakening, ...] = (*of_guards.ALL, *of_suites.ALL, *of_projects.ALL)
_DATA = b"seed 7\n"
_WHOLE = "checked"  # the suite that has tests too: what is not broken is made there


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the gate said of one change.

    ``alone`` is the exit code of the run by its own rules, ``code`` that of the gate.
    """

    name: str
    suite: str
    alone: int
    code: int
    named: Difference | None
    weaker: tuple[str, ...]

    @property
    def is_held(self) -> bool:
        """Whether the change was refused, and its weakening named."""
        return self.code != 0 and self.named is not None


@dataclass(slots=True)
class Answers:
    """What the gate said: of broken models, of whole ones, of honest changes."""

    broken: list[Answered] = field(default_factory=list)
    whole: list[Answered] = field(default_factory=list)
    fine: list[Answered] = field(default_factory=list)


@dataclass(slots=True)
class Bench:
    """A repository whose base is committed, and the outcomes of its tests."""

    root: Path
    base: str
    suite: str
    tests: dict[str, dict[str, str]]

    def ground(self) -> Ground:
        """Return the base as data, to be changed."""
        return _make(self.suite)


def _make(suite: str) -> Ground:
    here = stamp.environment([], {})
    variables = stage_environment.select_variables(grounds.VARIABLES, os.environ)
    device = here["device"]
    here |= numeric_class.describe([sys.executable], here, device, variables, may_start=True)
    return grounds.make(suite, environment=here, datasets={"train": sha256_bytes(_DATA)})


@contextlib.contextmanager
def bench(suite: str) -> Iterator[Bench]:
    """Make a repository with a base whose suites are green."""
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        root = Path(folder).resolve()
        ground = _make(suite)
        grounds.write(ground, root)
        grounds.log_goldens(ground, root)
        base = hubs.commit(root, "base")
        outcome = workflow.run_suite(load_project(root), suite, RunOptions())
        if outcome.exit_code != 0:
            raise AssertionError(f"{suite}: the base is {outcome.record.reason}")
        tests = tests_rules.read_hub(outcome.hub, ["tests"])
        yield Bench(root, base, suite, {suite: tests} if tests else {})


def weaken(place: Bench, weakening: Weakening, *, is_broken: bool = True) -> Answered:
    """Break the model, weaken its gate in the same change, and ask the gate."""
    ground = place.ground()
    if is_broken:
        grounds.break_model(ground)
    weakening.loosen(ground)
    runs = place.suite
    if weakening.runs:
        runs = next(name for name in SUITES if name != place.suite)
    alone, report = _judge(place, ground, runs, lambda text: text)
    rule = weakening.rule.format(s=place.suite)
    weaker = [c for c in report.changes if c.difference.change is Change.WEAKER]
    named = next((c.difference for c in weaker if _is_named(c, rule)), None)
    return _answer(weakening.name, place, alone, report, named)


def change(place: Bench, made: Honest) -> Answered:
    """Make an honest change and ask the gate."""
    ground = place.ground()
    made.change(ground)
    alone, report = _judge(place, ground, place.suite, made.layout)
    return _answer(made.name, place, alone, report, None)


def _answer(
    name: str,
    place: Bench,
    alone: int,
    report: GateReport,
    named: Difference | None,
) -> Answered:
    differences = (c.difference for c in report.changes)
    weaker = tuple(one.rule for one in differences if one.change is Change.WEAKER)
    return Answered(
        name=name,
        suite=place.suite,
        alone=alone,
        code=report.exit_code,
        named=named,
        weaker=weaker,
    )


def _is_named(rule_change: RuleChange, rule: str) -> bool:
    name = rule_change.difference.rule
    is_it = name == rule or name.startswith((f"{rule}@", f"{rule}."))
    return is_it and rule_change.difference.was != rule_change.difference.now


def _judge(
    place: Bench, ground: Ground, suite: str, layout: Callable[[str], str]
) -> tuple[int, GateReport]:
    """Commit a state, run a suite on it, and let the gate judge what came of it."""
    hubs.git(place.root, "reset", "--hard", "--quiet", place.base)
    grounds.write(ground, place.root)
    declared = place.root / ground.folder / "harness.toml"
    declared.write_text(layout(declared.read_text("utf-8")), "utf-8")
    grounds.log_goldens(ground, place.root)
    hubs.commit(place.root, "change")
    project = load_project(place.root / ground.folder)
    outcome = workflow.run_suite(project, suite, RunOptions())
    options = GateOptions(base_tests=place.tests)
    report = conductor.judge_change(project, place.base, [outcome.hub], options)
    return outcome.exit_code, report


def list_parts(suites: Sequence[str]) -> list[tuple[str, str]]:
    """List what is run side by side: a suite, and which changes are made in it."""
    parts = [(suite, "broken") for suite in suites]
    return parts + [(s, part) for s in suites if s == _WHOLE for part in ("whole", "fine")]


def run_part(part: tuple[str, str], only: str, keep: Path | None = None) -> Answers:
    """Make the changes of one part whose names hold a word.

    Args:
        part: A suite, and which changes are made in it.
        only: The word.
        keep: Folder of answers that are kept: a change that has one there is not made again.
    """
    suite, kind = part
    store = AnswerStore(None if keep is None else keep / f"{suite}-{kind}.jsonl")
    answers: list[Answered] = []
    wanted: Sequence[Weakening | Honest] = honest.ALL if kind == "fine" else WEAKENINGS
    wanted = [o for o in wanted if only in o.name and getattr(o, "only", "") in ("", suite)]
    missing = [one for one in wanted if one.name not in store.answers]
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(bench(suite)) if missing else None
        for one in wanted:
            if place is None or one.name in store.answers:
                answers.append(store.answers[one.name])
            elif isinstance(one, Honest):
                answers.append(store.add(_tell(change(place, one))))
            else:
                answered = weaken(place, one, is_broken=kind == "broken")
                answers.append(store.add(_tell(answered)))
    said = Answers()
    {"fine": said.fine, "broken": said.broken, "whole": said.whole}[kind].extend(answers)
    return said


class AnswerStore:
    """Answers that a campaign keeps, a line of JSON each: it may be stopped at any time."""

    def __init__(self, path: Path | None) -> None:
        """Read what is there."""
        self.path = path
        self.answers: dict[str, Answered] = {}
        lines = path.read_text("utf-8").splitlines() if path and path.is_file() else []
        for line in lines:
            values = json.loads(line)
            named = values["named"]
            if named is not None:
                named = Difference(**named | {"change": Change(named["change"])})
            weaker = tuple(values["weaker"])
            one = Answered(**values | {"named": named, "weaker": weaker})
            self.answers[one.name] = one

    def add(self, answered: Answered) -> Answered:
        """Keep an answer and return it."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(dataclasses.asdict(answered)) + "\n")
        return answered


def _tell(answered: Answered) -> Answered:
    named = "" if answered.named is None else answered.named.rule
    words = f"{answered.suite:8} {answered.name:44} alone {answered.alone} gate {answered.code}"
    click.echo(f"{words}  {named or ', '.join(answered.weaker)}")
    return answered
