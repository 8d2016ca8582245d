"""Defects planted one by one in a clone of this repository, run, and explained.

The clone declares the suite without its tests: they see most defects first, and take minutes.
Answers are kept, a line of JSON each, so that a campaign may be stopped at any time.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from harness.config.project import Project, SuiteSpec
from harness.evidence.hub import checkout
from harness.evidence.hub.blockers import Register
from harness.evidence.hub.causes import direction
from harness.evidence.hub.store import HubStore
from harness.experiments.drills import drill as drills
from harness.experiments.drills import outcome_cache, scope
from harness.experiments.drills.outcome_cache import OutcomeCache
from harness.experiments.explain import suspects
from harness.judgement import causes
from harness.judgement.declaration import load_project
from harness.records import HubRecord, decode, encode
from harness.verdict import Verdict
from proofs.causes import defects

SUITE = "smoke"
_TESTS = "selectors"
_PYTEST = f"stage:{_TESTS}"
# Guards of time and memory need runs that wait or swell: they are left to `make guard-power`.
_SLOW = ("-time", "-memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A defect to plant: ``guard`` is empty where no drill says what must catch it."""

    name: str
    guard: str
    paths: tuple[str, ...]
    plant: Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of one planted defect.

    ``red`` maps guards and stages that were red to the side on which a number lay; ``place``
    is the number of the planted file among the suspects, 0 where it is none.
    """

    name: str
    guard: str
    paths: tuple[str, ...]
    verdict: str
    blockers: int
    causes: int
    first: tuple[str, ...]
    follows: tuple[str, ...]
    stage: str
    sentence: str
    place: int
    red: dict[str, str]
    seconds: float


def list_planted(root: Path) -> tuple[Planted, ...]:
    """Return the drills of the suite that its stages without tests can see, and the defects."""
    planted_defects = []
    for path in sorted((root / drills.FOLDER).glob("*.patch")):
        made = drills.read_drill(path)
        if made.suite != SUITE or made.guard == _PYTEST or made.guard.endswith(_SLOW):
            continue
        paths = tuple(suspects.list_touched(path.read_text("utf-8")))
        planted_defects.append(
            Planted(name=made.name, guard=made.guard, paths=paths, plant=_patch(path))
        )
    more = (
        Planted(name=one.name, guard="", paths=(one.path,), plant=_replace(one))
        for one in defects.ALL
    )
    return (*planted_defects, *more)


def _patch(path: Path) -> Callable[[Path], None]:
    return lambda tree: drills.apply(path, tree)


def _replace(one: defects.Defect) -> Callable[[Path], None]:
    def plant(tree: Path) -> None:
        place = tree / one.path
        text = place.read_text("utf-8")
        if text.count(one.before) != 1:
            raise AssertionError(f"{one.name}: {one.before!r} is not in {one.path} once")
        place.write_text(text.replace(one.before, one.after), "utf-8")

    return plant


class Clone:
    """A clone in which defects are planted; a green run of it is what they are held against."""

    def __init__(self, source: Path, tree: Path) -> None:
        """Make the clone, its declaration and its green run, unless they are there."""
        self.tree = tree
        if not (tree / ".git").is_dir():
            shutil.rmtree(tree, ignore_errors=True)
            tree.parent.mkdir(parents=True, exist_ok=True)
            _call(source, "git", "clone", "--quiet", "--shared", str(source), str(tree))
            self._leave_tests_out()
            datasets = source / ".harness/datasets"
            if datasets.is_dir():
                shutil.copytree(datasets, tree / ".harness/datasets", dirs_exist_ok=True)
        self.project: Project = load_project(tree)
        self.suite: SuiteSpec = self.project.suites[SUITE]
        # A committed hub is of another commit: everything differs from it.
        head = checkout.call(tree, "rev-parse", "HEAD").decode().strip()
        green = (r for r in self._records() if r.verdict is Verdict.GREEN)
        if not any(record.stamp.commit == head for record in green):
            record, _ = self.run()
            if record.verdict is not Verdict.GREEN:
                raise AssertionError(f"without a defect {SUITE} is {record.reason}")

    def _leave_tests_out(self) -> None:
        path = self.tree / "harness.toml"
        sections = re.split(r"(?m)^(?=\[suites\.[\w-]+\]$)", path.read_text("utf-8"))
        for index, section in enumerate(sections):
            if section.startswith(f"[suites.{SUITE}]\n"):
                changed = section.replace("without = [", f'without = ["{_TESTS}", ', 1)
            elif (
                f'\nextends = "{SUITE}"\n' in section
            ):  # what it inherits has no tests any more
                changed = section.replace(f'"{_TESTS}", ', "", 1)
            else:
                continue
            sections[index] = changed
        path.write_text("".join(sections), "utf-8")
        who = ("-c", "user.name=Campaign", "-c", "user.email=campaign@example.org")
        _call(self.tree, "git", *who, "commit", "--quiet", "-a", "-m", "Leave the tests out")

    def _records(self) -> Iterator[HubRecord]:
        store = HubStore(self.project.hubs, self.project.work)
        yield from (store.read(hub) for hub in store.hubs(SUITE))

    def run(self) -> tuple[HubRecord, Path]:
        """Run the suite on what is in the work tree now."""
        words = [sys.executable, "-m", "harness", "run", SUITE, "--quiet"]
        subprocess.run(words, cwd=self.tree, check=False, capture_output=True)
        store = HubStore(self.project.hubs, self.project.work)
        hub = store.hubs(SUITE)[-1]
        return store.read(hub), hub

    def tell(self, planted: Planted, folder: Path) -> Answer:
        """Plant a defect, run, and write down what is said of it; the hub goes afterwards."""
        register = self.project.hubs / "blockers"
        shutil.rmtree(register, ignore_errors=True)
        try:
            planted.plant(self.tree)
            record, hub = self.run()
            made = suspects.explain(self.project, hub)
        finally:
            _call(self.tree, "git", "checkout", "--quiet", ".")
        first = made.causes[0] if made.causes else None
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(hub / "report.html", folder / f"{planted.name}.html")
        (folder / f"{planted.name}.json").write_text(json.dumps(encode(record)), "utf-8")
        answer = Answer(
            name=planted.name,
            guard=planted.guard,
            paths=planted.paths,
            verdict=record.verdict.value,
            blockers=len(Register(self.project.hubs).entries()),
            causes=sum(cause.verdict is Verdict.RED for cause in made.causes),
            first=() if first is None else first.guards,
            follows=() if first is None else first.follows,
            stage="" if first is None else first.stage or "",
            sentence="" if first is None else first.sentence,
            place=_find_place(planted, [one.what for one in made.suspects]),
            red=_list_red(record),
            seconds=record.duration_s,
        )
        if record.verdict is not Verdict.GREEN:
            _remove(hub)
        return answer


def _find_place(planted: Planted, suspected: list[str]) -> int:
    for number, what in enumerate(suspected, 1):
        if what.partition(": ")[0] in planted.paths:
            return number
    return 0


def _list_red(record: HubRecord) -> dict[str, str]:
    red = {g.id: direction(g) for g in record.guards if g.verdict is Verdict.RED}
    return red | {f"stage:{s.id}": "" for s in record.stages if s.verdict is Verdict.RED}


def _remove(hub: Path) -> None:
    """Remove a hub, which is read-only."""
    for path in (hub, *hub.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(hub)


def _call(place: Path, *words: str) -> None:
    subprocess.run(words, cwd=place, check=True, capture_output=True)


def run(source: Path, place: Path, only: str) -> list[Answer]:
    """Plant all defects whose names hold a word, and return what is kept of all."""
    answers = read_answers(place)
    clone = Clone(source, place / "tree")
    for planted in list_planted(source):
        if planted.name in answers or only not in planted.name:
            continue
        answer = clone.tell(planted, place / "reports")
        answers[answer.name] = answer
        with (place / "answers.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(dataclasses.asdict(answer)) + "\n")
        words = f"{answer.verdict:12} {answer.blockers} blockers, suspect {answer.place}"
        click.echo(f"{answer.name:44} {words}, {answer.sentence}"[:160])
    return list(answers.values())


def read_answers(place: Path) -> dict[str, Answer]:
    """Return the answers that are kept, by name."""
    path = place / "answers.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    answers = {}
    for line in lines:
        values = json.loads(line)
        values |= {key: tuple(values[key]) for key in ("paths", "first", "follows")}
        answers[values["name"]] = Answer(**values)
    return answers


def recognise(place: Path, answers: list[Answer]) -> dict[str, list[tuple[str, int]]]:
    """Return of each drill, for each of its red guards left out, its rank among all drills.

    Ranks of equal likeness are shared and count as the worse one.
    """
    project = load_project(place / "tree")
    suite = project.suites[SUITE]
    ran = [one for one in answers if one.guard and one.red]
    shutil.rmtree(project.work / "drills", ignore_errors=True)
    for one in ran:
        outcome_cache.keep(project, one.name, _pattern_of(suite, one))
    ranks: dict[str, list[tuple[str, int]]] = {}
    for one in ran:
        values = json.loads((place / "reports" / f"{one.name}.json").read_text("utf-8"))
        record = decode(HubRecord, values, one.name)
        names = [g.id for g in record.guards if g.verdict is Verdict.RED]
        ranks[one.name] = [
            (left_out, _rank(project, suite, record, one.name, left_out))
            for left_out in ("", *names)
        ]
    return ranks


def _pattern_of(suite: SuiteSpec, one: Answer) -> OutcomeCache:
    """Keep what the stages of the drill's guard alone turn red, as ``harness drill`` does."""
    roads = causes.roads_of(suite)
    stages = set(scope.stages_for(suite, one.guard))
    red = {name: side for name, side in one.red.items() if _is_inside(name, stages, roads)}
    return OutcomeCache(
        schema=outcome_cache.SCHEMA,
        name=one.name,
        outcome=drills.CAUGHT,
        red=tuple(red),
        duration_s=one.seconds,
        reason="",
        sides={name: side for name, side in red.items() if side},
    )


def _is_inside(name: str, stages: set[str], roads: Any) -> bool:
    kind, colon, stage = name.partition(":")
    read = {stage} if colon and kind == "stage" else roads.read_by(name)
    return bool(read) and set(read) <= stages


def _rank(
    project: Project, suite: SuiteSpec, record: HubRecord, name: str, left_out: str
) -> int:
    guards = tuple(guard for guard in record.guards if guard.id != left_out)
    likely = suspects.compare_drills(project, suite, dataclasses.replace(record, guards=guards))
    share = next((one.share for one in likely if one.drill == name), 0.0)
    return sum(one.share >= share for one in likely)
