"""Ways to be green that no table of the declaration shows: each is refused or named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.judgement.declaration import load_project
from harness.judgement.gate.compare import compare_rules
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.rules import Reader, RuleSet
from harness.judgement.golden import store
from harness.judgement.verify.report import Outcome
from tests.builders import attack_place, attacks, gates, goldens, hubs
from tests.builders.attacks import Attack

# What a person has to read: it asserts as often, and nothing says that it asserts less.
_NAMED = {"sides exchanged", "expected data"}


@dataclass(frozen=True, slots=True)
class Attacked:
    """A repository whose base is committed."""

    root: Path
    base: str
    was: RuleSet

    def attack(self, made: Attack) -> list[Difference]:
        """Make an attack on the base and compare the rules."""
        place = attack_place.make_place()
        made.make(place)
        return self.compare(place)

    def compare(self, place: attack_place.Place) -> list[Difference]:
        """Commit a state on the base and compare the rules."""
        hubs.git(self.root, "reset", "--hard", "--quiet", self.base)
        hubs.git(self.root, "rm", "-r", "--quiet", ".")
        place.write(self.root)
        hubs.commit(self.root, "change")
        return list(compare_rules(self.was, Reader(self.root).read("HEAD")))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """Give a repository with everything that is attacked."""
    root = tmp_path_factory.mktemp("attacks")
    attack_place.make_place().write(root)
    base = hubs.commit(root, "base")
    return Attacked(root, base, Reader(root).read(base))


_ALL = (*attacks.TESTS, *attacks.SESSIONS, *attacks.REPOSITORY, *attacks.DECLARATION)
_EVERY = 3  # the others take their seconds in test-long
_LONG = [pytest.mark.long]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(made, id=made.name, marks=_LONG if index % _EVERY else [])
        for index, made in enumerate(_ALL)
    ],
)
def test_attack_is_refused_or_named(made: Attack, attacked: Attacked) -> None:
    """What would let more pass is weaker; what only a person can judge is in the table."""
    differences = attacked.attack(made)

    (named,) = [one for one in differences if one.rule == made.rule]
    assert named.change is (Change.OTHER if made.name in _NAMED else Change.WEAKER)
    assert named.was != named.now


def _edit(path: str, old: str, new: str) -> attack_place.Place:
    place = attack_place.make_place()
    assert old in place.files[path]
    place.files[path] = place.files[path].replace(old, new)
    return place


_T = "tests/unit/test_model.py"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (_T, "rel=1e-6", "rel=1e-9"),
        (_T, "< 1e-6", "<= 1e-7"),
        (_T, "value > 0.5", "value > 0.6"),
        (_T, "def test_near", "def test_more():\n    assert NEAR\n\n\ndef test_near"),
        (_T, "    assert 3.0", "    assert 4.0 == 4.0\n    assert 3.0"),
        (_T, "LIMIT = 0.001", "# Why.\nLIMIT = 0.001"),
        (_T, "import pytest", "import math\nimport pytest"),
        ("tests/conftest.py", "    return 3.0", '    """Say why."""\n    return 3.0'),
        ("tests/conftest.py", "import pytest", "import pytest\n\n\ndef helper():\n    pass"),
        ("pyproject.toml", 'name = "tiny"', 'name = "tiny"\nversion = "2"'),
        ("pyproject.toml", "addopts", 'markers = ["slow: x"]\naddopts'),
        (".gitattributes", "*.png binary", "*.png binary\n*.sh text eol=lf"),
        ("CODEOWNERS", "/waivers/ @tess", "/waivers/ @tess\n/docs/ @ned"),
        (".github/workflows/checks.yml", "jobs:", "# Why.\njobs:"),
        (".github/workflows/checks.yml", "ubuntu-latest", "ubuntu-24.04"),
        ("source/model.py", "GAIN = 1", "GAIN = 2\nTOLERANCE = 9.0"),
    ],
)
def test_honest_edit_is_not_weaker(path: str, old: str, new: str, attacked: Attacked) -> None:
    """What a maintainer does every week asks nobody for leave."""
    differences = attacked.compare(_edit(path, old, new))

    assert [one for one in differences if one.change is Change.WEAKER] == []


def test_waiver_is_of_these_bytes_alone(attacked: Attacked) -> None:
    """A second change of the same function is another one: the first waiver does not hold."""
    hook = "\n\ndef pytest_collection_modifyitems(items):\n    items[{}:] = []\n"
    cells = set()
    for number in (1, 2):
        place = attack_place.make_place()
        place.files["tests/conftest.py"] += hook.format(number)
        (differences,) = (
            d for d in attacked.compare(place) if d.rule == "code.tests/conftest.py"
        )
        cells.add((differences.was, differences.now))

    assert len(cells) == 2


def test_helper_of_other_tests_is_no_rule(attacked: Attacked) -> None:
    """What lies beside the tests, and is no input of a suite that chooses some, is nobody's."""
    place = attack_place.make_place()
    place.suite["inputs"] = ["source/**/*.py"]
    hubs.git(attacked.root, "checkout", "--quiet", attacked.base)
    place.write(attacked.root)
    hubs.commit(attacked.root, "narrower")
    was = Reader(attacked.root).read("HEAD")
    place.files["tests/close.py"] = "NEAR = 1.0\n"
    place.write(attacked.root)
    hubs.commit(attacked.root, "helper")

    assert compare_rules(was, Reader(attacked.root).read("HEAD")) == ()


def test_moved_tests_are_the_same(attacked: Attacked) -> None:
    """A folder that only has another name asserts what it did."""
    place = attack_place.make_place()
    place.files["tests/parts/test_model.py"] = place.files.pop(_T)
    place.suite["stages"][1]["selectors"] = ["tests/parts"]

    assert [d for d in attacked.compare(place) if d.rule.startswith("code.")] == []


def test_linked_golden_is_refused(attacked: Attacked) -> None:
    """A golden that the work tree could exchange is no rule; neither is a linked folder."""
    place = attack_place.make_place()
    place.files["golden/tiny/out.json"] = f"{attack_place.LINK}../../source/model.py"

    with pytest.raises(ConfigError) as caught:
        attacked.compare(place)

    assert caught.value.found == "a link or a submodule"


def test_tag_before_the_branch_is_refused(tmp_path: Path) -> None:
    """Where a tag has the name of the base's branch, nobody knows which one judges."""
    gates.make_base(tmp_path)
    hubs.git(tmp_path, "branch", "stable")
    hubs.git(tmp_path, "tag", "stable")
    reader = Reader(tmp_path)

    with pytest.raises(ConfigError) as caught:
        reader.read("stable")

    assert caught.value.remedy == "Name it in full: refs/heads/stable."
    assert reader.read("refs/heads/stable").project is not None


def test_base_that_is_the_change_is_told(tmp_path: Path) -> None:
    """A gate whose base is the change itself says that it compared nothing."""
    gates.make_base(tmp_path)

    report = gates.ask(tmp_path, "HEAD")

    (row,) = [row for row in report.rows if "very files" in row.found]
    assert row.outcome is Outcome.NOTE


def test_hub_of_a_new_suite_alone_is_no_answer(tmp_path: Path) -> None:
    """A suite that the change brought cannot stand for those of the base."""
    base = gates.make_base(tmp_path)
    hubs.declare(tmp_path, tiny=hubs.suite(), easy=hubs.suite())
    hubs.commit(tmp_path, "easy")

    alone = gates.ask(tmp_path, base, suite="easy")
    named = gates.ask(tmp_path, base)

    assert (alone.exit_code, named.exit_code) == (3, 0)


_MAKER = "import sys; open(sys.argv[1], 'w').write(open('source/seed.py').read())"
_DATA = {
    "file": "data.txt",
    "generate": ["{python}", "-I", "-c", _MAKER, "{output}"],
    "inputs": ["source/seed.py"],
}


@pytest.mark.parametrize("text", ["SEED = 2\n", "SEED = 1\n"])
def test_other_data_leave_the_goldens(text: str, tmp_path: Path) -> None:
    """A generator of other bytes is weaker: goldens that only note would say nothing."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/seed.py").write_text("SEED = 1\n")
    golden = {"id": "usual", "kind": "golden", "metric": "out:value", "missing": "note"}
    keys = {"datasets": ["train"], "guards": [{**golden, "remedy": "Look."}]}
    top = {"datasets": {"train": _DATA}}
    gates.make_base(tmp_path, top=top, **keys)
    record = hubs.run(load_project(tmp_path)).record
    store.save(tmp_path / "golden/tiny", goldens.golden_set(record, "out:value"))
    base = hubs.commit(tmp_path, "golden")
    (tmp_path / "source/seed.py").write_text(text)
    (tmp_path / "source/more.py").write_text("X = 1\n")
    hubs.commit(tmp_path, "change")

    report = gates.ask(tmp_path, base)

    rules = [one.rule for one in gates.weaker(report)]
    assert rules == (["suites.tiny.datasets.train.data"] if "2" in text else [])
