"""All guard kinds through the one door that runs and verification use."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from harness.config.project import GuardSpec
from harness.errors import ConfigError
from harness.judgement.guards import registry
from harness.records import GuardResult, encode
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard, png

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE


def verdict_of(spec: GuardSpec, run: Any) -> GuardResult:
    """Check and judge one guard."""
    registry.check([spec])
    return registry.judge([spec], run, None)[0]


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        (2.0, {"min": 1.0, "max": 3.0}, GREEN),
        (1.0, {"min": 1.0}, GREEN),
        (3.0, {"max": 3.0}, GREEN),
        (0.999, {"min": 1.0}, RED),
        (3.001, {"max": 3.0}, RED),
        (0.0, {"min": 1e-9}, RED),
        (math.nan, {"min": 1.0}, RED),
        (math.nan, {"max": 1.0}, RED),
        (math.inf, {"min": 1.0}, RED),
        (-math.inf, {"max": 1.0}, RED),
        (None, {"min": 1.0}, OPEN),
        ("2.0", {"min": 1.0}, OPEN),
        ([], {"min": 1.0}, OPEN),
    ],
)
def test_bound_is_two_sided(
    tmp_path: Path, value: Any, bounds: dict[str, float], expected: Verdict
) -> None:
    """Inside passes, outside and not-finite are red, what is no number is inconclusive."""
    run = evidence(tmp_path, {"x.json": {"a": value}})

    result = verdict_of(guard("bound", metric="x:a", **bounds), run)

    assert result.verdict is expected
    assert encode(result)["value"] is None or math.isfinite(encode(result)["value"])


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((2.0, 4.0), GREEN),
        ((1.0, 4.0), RED),
        ((4.0, 4.0), RED),
        ((1.0, 0.0), RED),
        ((0.0, 0.0), RED),
    ],
)
def test_ratio_holds_a_band(
    tmp_path: Path, numbers: tuple[float, float], expected: Verdict
) -> None:
    """A ratio outside its band is red, and so is one over zero."""
    run = evidence(tmp_path, {"x.json": {"a": numbers[0], "b": numbers[1]}})
    spec = guard("ratio", numerator="x:a", denominator="x:b", min=0.4, max=0.6)

    assert verdict_of(spec, run).verdict is expected


@pytest.mark.parametrize(
    ("left", "right", "options", "expected"),
    [
        (1.0, 1.0, {}, GREEN),
        (1.0, 1.0 + 1e-6, {}, RED),
        (1.0, 1.0 + 1e-6, {"relative": 1e-5}, GREEN),
        (0.0, 1e-4, {"absolute": 1e-3}, GREEN),
        (math.nan, math.nan, {}, RED),
        (math.inf, math.inf, {}, RED),
    ],
)
def test_equal_knows_its_tolerance(
    tmp_path: Path, left: float, right: float, options: dict[str, float], expected: Verdict
) -> None:
    """Two numbers agree within the tolerance; NaN agrees with nothing, itself included."""
    run = evidence(tmp_path, {"x.json": {"a": left, "b": right}})

    assert (
        verdict_of(guard("equal", left="x:a", right="x:b", **options), run).verdict is expected
    )


@pytest.mark.parametrize(
    ("content", "changes", "expected"),
    [
        (b"some content", {}, GREEN),
        (b"some content", {"fresh": False}, RED),
        (b"", {}, RED),
        (b"[]\n", {}, RED),
        (b"{}", {}, RED),
        (b"bytes", {"external": True}, GREEN),
    ],
)
def test_artifact_is_new_and_says_something(
    tmp_path: Path, content: bytes, changes: dict[str, bool], expected: Verdict
) -> None:
    """A file left over from an earlier run, or an empty one, is red."""
    run = evidence(tmp_path, {"x.bin": content}, **changes)

    assert verdict_of(guard("artifact", artifact="x"), run).verdict is expected


def test_missing_artifact_is_red(tmp_path: Path) -> None:
    """A promised file that was not written is red, not inconclusive."""
    assert verdict_of(guard("artifact", artifact="x"), evidence(tmp_path)).verdict is RED


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({}, {"measure": "runtime", "max": 2.5}, GREEN),
        ({}, {"measure": "runtime", "max": 1.5}, RED),
        ({}, {"measure": "runtime", "min": 2.5}, RED),
        ({}, {"measure": "memory", "max": 3}, GREEN),
        ({}, {"measure": "memory", "max": 2.9}, RED),
        ({"peak_memory_bytes": None}, {"measure": "memory", "max": 9}, OPEN),
        ({"outcome": "skipped"}, {"measure": "runtime", "max": 9}, OPEN),
    ],
)
def test_resource_has_ceilings(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], expected: Verdict
) -> None:
    """Time in s and memory in MiB are held to their bounds; unmeasured is inconclusive."""
    run = evidence(tmp_path, logs={"train": ""}, **changes)

    assert verdict_of(guard("resource", stage="train", **options), run).verdict is expected


def test_relative_band_is_asymmetric(tmp_path: Path) -> None:
    """A stage may be much faster than its golden, but only a little slower."""

    class Fixed:
        reference, low, high, n = 1.5, None, None, 12

        def lookup(self, *_: object) -> Fixed:
            return self

    spec = guard("resource", stage="train", measure="runtime", above=1.2, below=0.1)
    slow = evidence(tmp_path, logs={"train": ""}, duration_s=1.81)
    fast = evidence(tmp_path, logs={"train": ""}, duration_s=0.16)

    assert registry.judge([spec], slow, Fixed())[0].verdict is RED
    assert registry.judge([spec], fast, Fixed())[0].verdict is GREEN


def test_missing_golden_may_be_a_note(tmp_path: Path) -> None:
    """A comparison that was not made stays one, even where it decides nothing; NaN is red."""
    wanted = guard("golden", metric="x:a", missing="note")
    result = verdict_of(wanted, evidence(tmp_path, {"x.json": {"a": 1.0}}))
    broken = verdict_of(wanted, evidence(tmp_path, {"x.json": '{"a": NaN}'}))

    assert (result.verdict, result.severity) == (OPEN, "warn")
    assert "not compared" in result.reason
    assert (broken.verdict, broken.severity) == (RED, "fail")


def test_golden_guard_without_golden_is_open(tmp_path: Path) -> None:
    """Where there is nothing to compare with, the verdict is inconclusive."""
    run = evidence(tmp_path, {"x.json": {"a": 1.0}})

    assert verdict_of(guard("golden", metric="x:a"), run).verdict is OPEN


@pytest.mark.parametrize(
    ("records", "options", "expected"),
    [
        ([(0, 1.0), (1, 2.0)], {"equals": 2}, GREEN),
        ([(0, 1.0)], {"equals": 2}, RED),
        ([(0, 1.0), (1, 2.0), (2, 3.0)], {"equals": 2}, RED),
        ([(0, 1.0), (0, 2.0)], {"unique_by": ["phase", "batch_idx"]}, RED),
        ([(0, 1.0), (1, 2.0)], {"unique_by": ["phase", "batch_idx"]}, GREEN),
        ([(0, 1.5), (1, 1.5)], {"distinct": True}, RED),
        ([(0, 1.5), (1, 1.6)], {"distinct": True}, GREEN),
        ([], {"equals": 2}, RED),
    ],
)
def test_records_are_counted_once(
    tmp_path: Path, records: list[tuple[int, float]], options: dict[str, Any], expected: Verdict
) -> None:
    """Too few, too many, a repeated identity and repeated statistics are each red."""
    items = [{"phase": "train", "batch_idx": i, "mean": value} for i, value in records]
    run = evidence(tmp_path, {"stats.json": items})

    spec = guard("count", records="stats:[phase=train]", **options)

    assert verdict_of(spec, run).verdict is expected


DEFECTS: list[tuple[str, Any, str]] = [
    ("x.json", {"a": [1.0, math.nan]}, "non-finite"),
    ("x.json", {"a": {"b": -math.inf}}, "non-finite"),
    ("x.json", [{"global_mean": 0.0, "global_std": 0.0, "epoch": 1}], "all-zero"),
    ("x.json", {"canvas": {"mean": 0.7, "std": 0.0, "min": 0.7}}, "constant"),
    (
        "x.json",
        [{"phase": "train", "epoch": 0, "batch_idx": 0, "m": 1.5}] * 2,
        "duplicate-record",
    ),
    ("x.json", [{"batch_idx": 0, "m": 1.5}, {"batch_idx": 1, "m": 1.5}], "duplicate-record"),
    ("x.csv", "epoch,loss\n0,1.5\n1,nan\n", "non-finite"),
    ("x.csv", "epoch,loss\n0,0\n", "all-zero"),
    ("x.csv", "epoch,loss\n1,2.5\n1,2.5\n", "duplicate-record"),
    ("x.png", png(9, 7, lambda *_: 128), "constant"),
    ("x.png", png(9, 7, lambda *_: 0), "all-zero"),
    ("x.png", "patch grid goes here", "constant"),
]


@pytest.mark.parametrize(("name", "content", "rule"), DEFECTS)
def test_defaults_judge_what_nobody_declared(
    tmp_path: Path, name: str, content: Any, rule: str
) -> None:
    """Without any declaration a hollow artifact is red, by the rule that names it."""
    (result,) = registry.judge([], evidence(tmp_path, {name: content}), None)

    assert (result.id, result.verdict, result.found) == ("default:x", RED, rule)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", {"mean_dx": 0.0, "std_dx": 1.5, "n_nonfinite": 0, "origin": [0.0, 0.0]}),
        (
            "x.json",
            [
                {"phase": p, "epoch": 0, "batch_idx": 0, "m": v}
                for p, v in (("a", 1.0), ("b", 2.0))
            ],
        ),
        ("x.csv", "epoch,lr,loss,val\n0,0.001,3,\n1,0.001,2,\n2,0.001,2.5,\n"),
        ("x.png", png(9, 7, lambda row, column: row * column)),
        ("x.json", {}),
        ("x.txt", "anything"),
    ],
)
def test_defaults_pass_honest_files(tmp_path: Path, name: str, content: Any) -> None:
    """Zeros and repeats that mean something raise no alarm."""
    results = registry.judge([], evidence(tmp_path, {name: content}), None)

    assert [result for result in results if result.verdict is not GREEN] == []


def test_declared_default_may_allow(tmp_path: Path) -> None:
    """A finding that is meant can be allowed, for one artifact and one rule."""
    run = evidence(tmp_path, {"x.png": png(9, 7, lambda *_: 0)})

    results = registry.judge([guard("default", artifact="x", allow=["all-zero"])], run, None)

    assert [result.verdict for result in results] == [GREEN]


def test_deep_nesting_is_no_crash(tmp_path: Path) -> None:
    """JSON nested beyond the stack is inconclusive or judged, never an exception."""
    run = evidence(tmp_path, {"x.json": b"[" * 100_000 + b"]" * 100_000})

    assert registry.judge([], run, None)[0].verdict in (OPEN, GREEN)


@pytest.mark.parametrize(
    ("kind", "options", "where", "expected"),
    [
        ("bound", {"metric": "x:a"}, "min", "at least one of"),
        ("bound", {"metric": "x:a", "minimum": 1.0}, "minimum", "min"),
        ("bound", {"min": 1.0}, "metric", "text"),
        ("bound", {"metric": "x", "min": 1.0}, "x", "<artifact>:<path>"),
        ("bound", {"metric": "x:a", "min": "1"}, "min", "number"),
        ("bound", {"metric": "x:a", "min": True}, "min", "number"),
        ("bound", {"metric": "x:a", "min": math.nan}, "min", "number"),
        ("bound", {"metric": "x:a", "min": 2.0, "max": 1.0}, "min", "at most"),
        ("bound", {"metric": "x:a", "min": 2.0, "aggregate": "avg"}, "aggregate", "one of min"),
        ("bond", {}, "kind", "bound"),
        ("ratio", {"numerator": "x:a", "denominator": "x:b"}, "min", "at least one of"),
        ("equal", {"left": "x:a", "right": "x:b", "relative": -1.0}, "relative", "at least 0"),
        ("artifact", {}, "artifact", "text"),
        ("image", {"artifact": "x", "tiles": 4}, "tile", "a size"),
        ("log", {"stage": "t"}, "must", "at least one of"),
        ("log", {"stage": "t", "must": ["("]}, "must", "regular expression"),
        ("log", {"stage": "t", "must": ["(a+)+b"]}, "must", "repeated group"),
        ("log", {"stage": "t", "must": ["(a|aa)*b"]}, "must", "repeated group"),
        ("log", {"stage": "t", "must": [".*a.*b.*c"]}, "must", "repetitions"),
        ("log", {"stage": "t", "must": ["a?a?a?a?a?a?a?b"]}, "must", "branches"),
        ("log", {"stage": "t", "value": "x = .*"}, "value", "one group"),
        ("log", {"stage": "t", "must": ["a"], "differs": 1.0}, "value", "pattern"),
        ("count", {"records": "x:[*]"}, "equals", "at least one of"),
        ("resource", {"stage": "t", "measure": "speed", "max": 1}, "measure", "one of"),
        ("resource", {"stage": "t", "measure": "memory", "above": 0.5}, "above", "at least 1"),
        ("golden", {"metric": "x:a", "coverage": 1.5}, "coverage", "between 0 and 1"),
        ("default", {"artifact": "x", "allow": ["zero"]}, "allow", "all-zero"),
    ],
)
def test_bad_declaration_is_named(
    kind: str, options: dict[str, Any], where: str, expected: str
) -> None:
    """A declaration that cannot be used is refused, naming the key and what would do."""
    with pytest.raises(ConfigError) as caught:
        registry.check([guard(kind, **options)])

    assert where in caught.value.where
    assert expected in caught.value.expected


def test_repeated_id_is_refused() -> None:
    """Two guards of one id would hide each other."""
    spec = guard("artifact", artifact="x")

    with pytest.raises(ConfigError):
        registry.check([spec, spec])


def test_foreign_kind_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package adds a kind by an entry point, without a change here."""
    package = tmp_path / "foreign_guards"
    (package.with_suffix(".py")).write_text(
        "from harness.judgement.guards.base import result\n"
        "from harness.verdict import Verdict\n"
        "class Never:\n"
        "    kind = 'never'\n"
        "    def check_spec(self, spec): pass\n"
        "    def judge(self, spec, evidence, golden):\n"
        "        return result(spec, Verdict.RED, 'it', 'nothing')\n"
    )
    info = tmp_path / "foreign_guards-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: foreign-guards\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text("[harness.guards]\nnever = foreign_guards:Never\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert verdict_of(guard("never"), evidence(tmp_path)).verdict is RED
