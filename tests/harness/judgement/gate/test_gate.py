"""The gate on real small hubs: who may waive, which hub counts, what comes from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError, EvidenceMissingError
from harness.evidence.ledger import checkpoint, keys
from harness.evidence.ledger.log import Ledger
from harness.judgement import waivers
from harness.judgement.declaration import load_project
from harness.judgement.gate import conductor, policy, tests_rules
from harness.judgement.gate.options import GateOptions
from harness.judgement.gate.rules import Reader
from tests.builders import gates, hubs

_KEY = keys.SecretKey("tess", b"t" * 32)
_EVE = keys.SecretKey("eve", b"e" * 32)
_UNSIGNED = {"gate": {"unsigned_waivers": True}}
_SIGNED = {"gate": {"signers": [_KEY.public.encode()]}}


def _wider(
    root: Path, base_top: dict[str, object], top: dict[str, object] | None = None
) -> str:
    """Commit a base, then a change that moves the floor and its own rules of waiving."""
    base = gates.make_base(root, top=base_top)
    gates.make_change(root, top=base_top if top is None else top, guards=[gates.WIDER])
    return base


def test_weaker_rule_is_refused(tmp_path: Path) -> None:
    """A floor that is lowered is named with what it was and is, and ends with 1."""
    base = _wider(tmp_path, _UNSIGNED)

    report = gates.ask(tmp_path, base)

    (difference,) = gates.weaker(report)
    assert (difference.rule, difference.was, difference.now) == (
        "suites.tiny.guards.floor.min",
        "1.0",
        "-5.0",
    )
    assert report.exit_code == 1


def test_waiver_of_the_very_change_passes(tmp_path: Path) -> None:
    """Where the base lets unsigned waivers count, one that names the change does."""
    base = _wider(tmp_path, _UNSIGNED)
    (difference,) = gates.weaker(gates.ask(tmp_path, base))
    gates.add_waiver(tmp_path, gates.make_waiver(difference))

    report = gates.ask(tmp_path, base)

    assert report.exit_code == 0
    assert report.changes[0].who == "not signed; by Tess"


def test_waiver_counts_by_the_rules_of_the_base(tmp_path: Path) -> None:
    """A change that lets itself be waived without a signature is refused."""
    base = _wider(tmp_path, {}, _UNSIGNED)
    for difference in gates.weaker(gates.ask(tmp_path, base)):
        gates.add_waiver(tmp_path, gates.make_waiver(difference))

    report = gates.ask(tmp_path, base)

    assert report.exit_code == 1
    assert {d.difference.rule for d in report.refused_changes} == {
        "gate.unsigned_waivers",
        "suites.tiny.guards.floor.min",
    }


def test_signer_of_the_base_counts_and_another_does_not(tmp_path: Path) -> None:
    """Whose signature counts stands in the base; a key that the change brings counts not."""
    both = {"gate": {"signers": [_KEY.public.encode(), _EVE.public.encode()]}}
    base = _wider(tmp_path, _SIGNED, both)
    differences = gates.weaker(gates.ask(tmp_path, base))
    for one in differences:
        gates.add_waiver(tmp_path, waivers.sign(gates.make_waiver(one), _EVE))
    by_eve = gates.ask(tmp_path, base)
    for one in differences:
        gates.add_waiver(tmp_path, waivers.sign(gates.make_waiver(one), _KEY))
    by_tess = gates.ask(tmp_path, base)

    assert by_eve.exit_code == 1
    assert "signature of eve" in by_eve.refused_changes[0].who
    assert by_tess.exit_code == 0
    assert by_tess.changes[0].who == "signed by tess"


@pytest.mark.parametrize("part", ["rule", "was", "now", "reason", "author", "until"])
def test_every_part_is_signed(part: str, tmp_path: Path) -> None:
    """A waiver any part of which was changed after it was signed counts for nothing."""
    base = _wider(tmp_path, _SIGNED)
    (difference,) = gates.weaker(gates.ask(tmp_path, base))
    other = {"until": "2999-01-01", "reason": "other", "author": "Ned"}
    original = {"rule": "x", "was": "0", "now": "0"}
    planted = {part: original[part]} if part in original else {part: other[part]}
    # Signed as something else, then made to name this change.
    signed = waivers.sign(gates.make_waiver(difference, **planted), _KEY)
    forged = gates.make_waiver(difference, signer=signed.signer, signature=signed.signature)
    gates.add_waiver(tmp_path, forged)

    assert gates.ask(tmp_path, base).exit_code == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": "2001-01-01"}, "expired"),
        ({"rule": "suites.tiny.*"}, "too wide"),
        ({"was": ""}, "too wide"),
        ({"now": "-6.0"}, "not used"),
    ],
)
def test_waivers_that_do_not_count_are_told(
    changes: dict[str, str], message: str, tmp_path: Path
) -> None:
    """An expired, too wide or unused waiver is a finding and lets nothing pass."""
    base = _wider(tmp_path, _UNSIGNED)
    (difference,) = gates.weaker(gates.ask(tmp_path, base))
    gates.add_waiver(tmp_path, gates.make_waiver(difference, **changes))

    report = gates.ask(tmp_path, base)

    assert report.exit_code == 1
    assert [message in row.found for row in report.rows if row.check == "waivers"] == [True]


def test_waiver_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """A link where a waiver should be is refused, for it may say anything."""
    base = _wider(tmp_path, _UNSIGNED)
    (tmp_path / "waivers").mkdir()
    (tmp_path / "waivers/x.toml").symlink_to("/etc/hostname")
    hubs.commit(tmp_path, "link")

    with pytest.raises(ConfigError) as caught:
        gates.ask(tmp_path, base)

    assert caught.value.found == "a link or a submodule"


def test_hub_of_another_commit_is_stale(tmp_path: Path) -> None:
    """A green hub that ran before the change does not speak for it."""
    base = gates.make_base(tmp_path)
    hub = hubs.run(load_project(tmp_path)).hub
    (tmp_path / "source/model.py").write_text("GAIN = 0\n")
    hubs.commit(tmp_path, "change")

    report = conductor.judge_change(load_project(tmp_path), base, [hub])

    assert gates.outcomes(report, "this commit") == ["stale"]
    assert report.exit_code == 3


def test_dirty_run_is_stale(tmp_path: Path) -> None:
    """A run with changes that are not committed does not speak for a commit."""
    base = gates.make_base(tmp_path)
    (tmp_path / "source/model.py").write_text("GAIN = 0\n")
    project = load_project(tmp_path)
    hub = hubs.run(project).hub

    report = conductor.judge_change(project, base, [hub])

    assert gates.outcomes(report, "this commit") == ["stale"]


def test_damaged_hub_ends_with_4(tmp_path: Path) -> None:
    """A byte that changed is damage, whatever the rules say."""
    base = gates.make_base(tmp_path)
    project = load_project(tmp_path)
    hub = hubs.run(project).hub
    path = hub / "analysis/metrics.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")

    assert conductor.judge_change(project, base, [hub]).exit_code == 4


def test_no_hub_is_no_pass(tmp_path: Path) -> None:
    """A gate without a hub is missing evidence."""
    base = gates.make_base(tmp_path)

    with pytest.raises(EvidenceMissingError):
        conductor.judge_change(load_project(tmp_path), base, [])


@pytest.mark.parametrize("revision", ["nowhere", "", "--all", "HEAD:harness.toml"])
def test_unknown_base_is_named(revision: str, tmp_path: Path) -> None:
    """What is no commit here is one line about what was asked."""
    gates.make_base(tmp_path)

    with pytest.raises(ConfigError) as caught:
        Reader(tmp_path).read(revision)

    assert caught.value.exit_code == 2


def test_pin_finds_a_rolled_back_ledger(tmp_path: Path) -> None:
    """A checkpoint from outside that the ledger does not begin with is damage."""
    base = gates.make_base(tmp_path)
    project = load_project(tmp_path)
    hubs.run(project)
    pin = checkpoint.take(Ledger(project.hubs / "ledger.jsonl").leaves(), "other")
    other = checkpoint.Checkpoint(origin="tiny", size=pin.size, root=b"\0" * 32)

    good, bad = gates.ask(tmp_path, base, pin=pin), gates.ask(tmp_path, base, pin=other)

    assert (good.exit_code, bad.exit_code) == (0, 4)


def test_trusted_keys_are_those_of_the_base(tmp_path: Path) -> None:
    """A change that drops the base's keys still has to show a checkpoint that they signed."""
    base = gates.make_base(tmp_path, top={"trusted_keys": [_KEY.public.encode()]})
    gates.make_change(tmp_path)

    report = gates.ask(tmp_path, base)

    assert [d.rule for d in gates.weaker(report)] == ["project.trusted_keys"]
    assert "damaged" in gates.outcomes(report, "checkpoint")
    assert report.exit_code == 4


def _policy(path: Path, text: str, root: Path) -> policy.Policy:
    path.write_text(f"schema = 1\n{text}")
    return policy.read(path, root)


@pytest.mark.parametrize(
    ("bound", "code"), [("min = 0.5", 0), ("min = 2.0", 1), ("max = 9.0", 1)]
)
def test_policy_asks_for_a_guard(bound: str, code: int, tmp_path: Path) -> None:
    """A bound wider than an organisation lets be, and a guard that is not there, are weaker."""
    root = tmp_path / "made"
    base = gates.make_base(root)
    text = f'[[guards]]\nkind = "bound"\nmetric = "out:value"\n{bound}\n'

    report = gates.ask(root, base, policy=_policy(tmp_path / "p.toml", text, root))

    assert report.exit_code == code


def test_policy_asks_for_a_drill(tmp_path: Path) -> None:
    """A drill that must be there and is not is weaker."""
    root = tmp_path / "made"
    base = gates.make_base(root)
    policy_file = _policy(tmp_path / "p.toml", 'drills = ["gain-lost"]\n', root)

    assert gates.ask(root, base, policy=policy_file).exit_code == 1


def test_policy_inside_the_project_is_refused(tmp_path: Path) -> None:
    """A file that the change could write is no policy."""
    gates.make_base(tmp_path)

    with pytest.raises(ConfigError) as caught:
        _policy(tmp_path / "p.toml", "", tmp_path)

    assert caught.value.expected == "one outside"


def test_tests_of_a_base_that_are_unknown_are_inconclusive(tmp_path: Path) -> None:
    """Tests that cannot be compared are no pass; asked to leave them out, the gate says so."""
    tests = {"id": "tests", "kind": "pytest", "selectors": ["test_a.py"], "timeout_s": 60}
    stages = [hubs.writing(), tests]
    (tmp_path / "test_a.py").write_text("def test_a():\n    pass\n")
    base = gates.make_base(tmp_path, stages=stages)

    unknown = gates.ask(tmp_path, base)
    left = gates.ask(tmp_path, base, without_tests=True)
    known = gates.ask(tmp_path, base, base_tests={"tiny": {"test_a::test_a": "passed"}})
    gone = gates.ask(tmp_path, base, base_tests={"tiny": {"test_a::test_b": "passed"}})

    assert [r.exit_code for r in (unknown, left, known, gone)] == [3, 0, 0, 1]


def test_node_ids_and_junit_name_a_test_alike() -> None:
    """What pytest collects and what it reports are the same id."""
    assert tests_rules.name_test("tests/a/test_b.py::C::test_d[e::f.py]") == (
        "tests.a.test_b.C::test_d[e::f.py]"
    )


def test_test_written_twice_has_its_worst_outcome() -> None:
    """A test that fails and whose teardown fails too is no passed one."""
    case = '<testcase classname="a" name="b"'
    text = f"<testsuite>{case}><failure/></testcase>{case}/></testsuite>"

    assert tests_rules.parse(text.encode(), "x") == {"a::b": "failed"}


def test_base_judges_what_the_change_left_out(tmp_path: Path) -> None:
    """A value below the base's floor is red by it, though the change has no such guard."""
    base = gates.make_base(tmp_path)
    gates.make_change(tmp_path, parameters={"value": "0"}, guards=[])

    report = gates.ask(tmp_path, base)

    assert gates.outcomes(report, "base") == ["red"]


def test_given_by_nobody_is_the_default(tmp_path: Path) -> None:
    """Without options nothing from outside is trusted, and nothing unsigned counts."""
    base = gates.make_base(tmp_path)
    made = conductor.authority.make_authority(Reader(tmp_path).read(base), GateOptions())

    assert (made.signers, made.unsigned) == ((), False)
