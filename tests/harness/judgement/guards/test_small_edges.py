"""What is easily one off: lines of a log, which keys name metrics, what older rules judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import keys
from harness.errors import ConfigError, StorageError
from harness.judgement.guards import defaults, metrics, patterns, registry, remedies
from harness.judgement.guards.metrics import MetricError
from harness.records import ArtifactRecord
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE
CUT = "head NaN\n[harness: log cut here: about 9,000 bytes left out]\ntail done\n"


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("a", 1), ("a\n", 1), ("\n", 1), ("a\nb", 2), ("a\nb\n", 2)]
)
def test_lines_of_a_log_are_counted(text: str, count: int) -> None:
    """A line counts whether or not it ends, and nothing is no line."""
    assert patterns.Log("x", text).count == count


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({"must_not": ["NaN"]}, RED),
        ({"must_not": ["done"]}, RED),
        ({"must_not": ["Inf"]}, OPEN),
        ({"must": ["NaN", "done"]}, GREEN),
        ({"must": ["Inf"]}, OPEN),
        ({"value": "(done)"}, OPEN),
    ],
)
def test_what_was_seen_decides_in_a_cut_log(
    tmp_path: Path, options: dict[str, object], verdict: Verdict
) -> None:
    """A forbidden word that is there is red, though a part is missing; absence stays open."""
    spec = guard("log", stage="s", **options)

    judged, *_ = registry.judge([spec], evidence(tmp_path, logs={"s": CUT}), None)

    assert judged.verdict is verdict


def test_keys_that_name_metrics_are_known() -> None:
    """What a rename of a metric has to follow: each path expression of each kind."""
    named = {
        (kind, one.name)
        for kind, built_in in registry.built_in().items()
        for one in keys.keys_of(built_in.options)
        if one.about.is_metric
    }

    assert named == {
        ("bound", "metric"),
        ("golden", "metric"),
        ("ratio", "numerator"),
        ("ratio", "denominator"),
        ("equal", "left"),
        ("equal", "right"),
        ("log", "equals"),
        ("count", "records"),
        ("fingerprint", "numbers"),
        ("equal", "right_at"),
        ("statistic", "reported"),
        ("statistic", "array"),
        ("statistic", "weights"),
        ("rendering", "array"),
        ("rendering", "mask"),
        ("rendering", "unlike"),
        ("disjoint", "left"),
        ("disjoint", "right"),
    }


def test_golden_has_two_sides_unless_told() -> None:
    """A guard that says nothing of sides is bounded on both."""
    sides = keys.find_key(registry.built_in()["golden"].options, "sides")

    assert sides.default == "two"


@pytest.mark.parametrize(
    ("name", "editions"),
    [
        ("x.json", {1, 2}),
        ("x.csv", {1, 2}),
        ("x.yaml", {2}),
        ("x.jsonl", {2}),
        ("x.txt", set()),
    ],
)
def test_older_rules_judge_what_they_judged(name: str, editions: set[int]) -> None:
    """Evidence of the first edition is not judged by formats that only the second knows."""
    record = ArtifactRecord(
        id="x",
        stage="s",
        path=f"analysis/{name}",
        sha256="0" * 64,
        size=9,
        external=False,
        fresh=True,
    )

    assert {edition for edition in (1, 2) if defaults._is_judged(record, edition)} == editions


@pytest.mark.parametrize("length", [10, 160, 161, 500])
def test_forbidden_line_is_shown_up_to_its_bound(tmp_path: Path, length: int) -> None:
    """Its first 160 characters."""
    line = "NaN" + "x" * (length - 3)
    spec = guard("log", stage="s", must_not=["NaN"])

    judged, *_ = registry.judge([spec], evidence(tmp_path, logs={"s": f"a\n{line}\n"}), None)

    assert judged.found == line[:160]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"must": ["a"], "must_not": ["b", "c"]}, "a, no b, no c"),
        ({"value": "x = (.+)"}, "a finite number"),
        ({"value": "x = (.+)", "differs": 1.0}, "a finite number, not 1"),
        ({"value": "x = (.+)", "equals": "r:v", "relative": 0.5}, "2 ± 1"),
    ],
)
def test_what_a_log_shall_say_is_told(
    tmp_path: Path, options: dict[str, object], text: str
) -> None:
    """Patterns as declared, numbers with their tolerance; its edge is inside."""
    run = evidence(tmp_path, {"r.json": {"v": 2.0}}, {"s": "a\nx = 3\n"})

    judged, *_ = registry.judge([guard("log", stage="s", **options)], run, None)

    assert (judged.verdict, judged.expected) == (GREEN, text)


@pytest.mark.parametrize(
    ("length", "text"), [(79, "x" * 79), (80, "x" * 80), (81, "x" * 79 + "…")]
)
def test_remedy_shows_eighty_characters(tmp_path: Path, length: int, text: str) -> None:
    """A longer text is cut, and said to be."""
    run = evidence(tmp_path, {"x.json": {"words": "x" * length, "flag": True}})
    spec = replace(guard("bound"), remedy="{x:words} {x:flag}")

    assert remedies.fill(spec, run) == f"{text} True"


@pytest.mark.parametrize(("count", "text"), [(3, "0, 1, 2"), (4, "0, 1, 2, …")])
def test_remedy_shows_three_values(tmp_path: Path, count: int, text: str) -> None:
    """And says when there are more."""
    run = evidence(tmp_path, {"x.json": list(range(count))})

    assert remedies.fill(replace(guard("bound"), remedy="{x:[*]}"), run) == text


@pytest.mark.parametrize("error", [ConfigError, StorageError])
def test_what_says_nothing_of_the_evidence_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[ConfigError | StorageError]
) -> None:
    """A wrong declaration and a disk that refuses end the run, and are no result."""

    def refuse(*_arguments: object) -> float:
        raise error("x", found="a", expected="b", remedy="c")

    monkeypatch.setattr(metrics, "take", refuse)
    run = evidence(tmp_path, {"x.json": {"a": 1.0}})

    with pytest.raises(error):
        registry.judge([guard("bound", metric="x:a", min=0.0)], run, None)


@pytest.mark.parametrize(
    ("value", "actual"),
    [
        (10**400, "an integer beyond floats"),
        ("w" * 100, ("str 'w" + "w" * 99)[:60]),
        ([], "list []"),
        (True, "bool True"),
    ],
)
def test_what_is_no_number_is_shown(tmp_path: Path, value: object, actual: str) -> None:
    """Its kind and its beginning."""
    run = evidence(tmp_path, {"x.json": {"a": value}})

    with pytest.raises(MetricError) as caught:
        metrics.select(run, "x:a")

    assert caught.value.found == actual


@pytest.mark.parametrize(
    ("size", "is_external", "verdict"),
    [(64, False, RED), (65, False, GREEN), (64, True, GREEN), (2, False, RED)],
)
def test_short_files_are_looked_into(
    tmp_path: Path,
    size: int,
    is_external: bool,  # noqa: FBT001 - a column
    verdict: Verdict,
) -> None:
    """Blanks around nothing, up to 64 bytes; what lies outside is not read."""
    content = b"{}" + b" " * (size - 2)
    run = evidence(tmp_path, {"x.bin": content}, external=is_external)

    judged, *_ = registry.judge([guard("artifact", artifact="x")], run, None)

    assert judged.verdict is verdict


@pytest.mark.parametrize(("least", "verdict"), [(4, GREEN), (5, GREEN), (6, RED)])
def test_least_size_is_enough(tmp_path: Path, least: int, verdict: Verdict) -> None:
    """An artifact of exactly that size."""
    run = evidence(tmp_path, {"x.bin": b"12345"})

    judged, *_ = registry.judge([guard("artifact", artifact="x", min_size=least)], run, None)

    assert judged.verdict is verdict


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ({"mean": 1.0, "std": 0.0}, "constant"),
        ({"mean": 0.0, "std": 0.0}, "all-zero"),
        ({"mean": 0.0, "std": 1.0}, ""),
        ({"mean": 1.0}, ""),
        ({"std": 0.0}, ""),
        ({"mean": 1.0, "std": False}, ""),
        ({"mean": 1.0, "std": 0.0, "n": 1}, ""),
        ({"mean": 1.0, "std": 0.0, "n": 2}, "constant"),
        ({"a": [{"b": {"mean": 1.0, "std": 0.0}}]}, "constant"),
        ({"mean": 1.0, "min": 0.0, "std": 0.5}, ""),
        ({"a": [], "b": {}, "c": "inf"}, "non-finite"),
        (
            [{"epoch": 1, "step": 2, "a": 3}, {"epoch": 1, "step": 2, "a": 4}],
            "duplicate-record",
        ),
        ([{"epoch": 1, "a": 3}, {"epoch": 1, "a": 4}], ""),
        ([{"epoch": 1, "step": 2}, {"epoch": 1, "step": 2, "val": 0}], ""),
    ],
)
def test_rules_for_every_artifact_on_their_edges(
    tmp_path: Path, value: object, rule: str
) -> None:
    """Each rule where it just holds and where it just does not."""
    (judged,) = registry.judge([], evidence(tmp_path, {"x.json": value}), None)

    assert judged.found == (rule or "nothing wrong")


@pytest.mark.parametrize(("right", "reason"), [(1.0, ""), (2.0, "x:a against x:b: 1 is not 2")])
def test_difference_is_told_where_there_is_one(
    tmp_path: Path, right: float, reason: str
) -> None:
    """Equal numbers need no words."""
    run = evidence(tmp_path, {"x.json": {"a": 1.0, "b": right}})

    judged, *_ = registry.judge([guard("equal", left="x:a", right="x:b")], run, None)

    assert (judged.verdict, judged.reason) == (RED if reason else GREEN, reason)


@pytest.mark.parametrize(
    ("pattern", "is_refused"),
    [
        (".*a.*", False),
        (".*a.*b.*", True),
        ("a|b|c|d|e|f|g", False),
        ("a|b|c|d|e|f|g|h", True),
        ("x" * 300, False),
        ("x" * 301, True),
        ("", True),
    ],
)
def test_pattern_has_few_ways_to_match(pattern: str, is_refused: bool) -> None:  # noqa: FBT001
    """Two repetitions, six branches, three hundred characters: each by itself."""
    assert (patterns.find_fault(pattern) is not None) is is_refused
