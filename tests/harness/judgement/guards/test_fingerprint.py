"""Kind ``fingerprint``: four classes of answers, and which of them is red."""

from __future__ import annotations

import io
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import ConfigError, IntegrityError
from harness.evidence.hub.evidence import HubEvidence
from harness.judgement.golden import fingerprint as stored
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import answers, fingerprint, numbers, registry
from harness.records import GuardResult
from harness.verdict import AnswerClass, Verdict
from tests.builders import fingerprints
from tests.builders.evidence import ENVIRONMENT, guard
from tests.builders.fingerprints import EXPRESSIONS, HERE, PARAMETERS, take_run, values
from tests.harness.judgement.golden.test_store import golden

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE
MEAN = guard("golden", metric="x:curve[0]", scale="linear")


def spec(**options: Any) -> Any:
    return guard(
        "fingerprint", **{"numbers": list(EXPRESSIONS), "parameter": "perturb", **options}
    )


def judge(
    run: HubEvidence, known: GoldenSet | None, *others: Any, **options: Any
) -> GuardResult:
    """Judge a run by its fingerprint, beside other guards."""
    specs = [spec(**options), *others]
    registry.check(specs)
    return registry.judge(specs, run, known)[0]


@pytest.mark.parametrize(
    ("content", "expected", "verdict"),
    [
        (values(), AnswerClass.IDENTICAL, GREEN),
        (values(seed=77), AnswerClass.ROUNDING, GREEN),
        (values(shift=1e-3), AnswerClass.CHANGED, RED),
        (values(shift=math.nan), AnswerClass.CHANGED, RED),
        (values() | {"curve": values()["curve"][:-1]}, AnswerClass.CHANGED, RED),
        (values() | {"layers": {"a": 1.0, "b": 1.0, "d": 1.0}}, AnswerClass.CHANGED, RED),
    ],
)
def test_classes_of_a_run(
    tmp_path: Path, content: Any, expected: AnswerClass, verdict: Verdict
) -> None:
    """The same, half an ulp away, one number in a hundred a thousandth off, other numbers."""
    known = fingerprints.store_ensemble(tmp_path)

    judged = judge(take_run(tmp_path / "run", content), known)

    assert answers.find_answer([judged]) is expected
    assert (judged.verdict, bool(judged.reason)) == (verdict, verdict is RED)
    assert judged.value is not None
    assert (judged.metric, judged.high) == ("fingerprint", 1.0)


def test_the_number_that_moved_is_named(tmp_path: Path) -> None:
    """A reader sees where to look."""
    known = fingerprints.store_ensemble(tmp_path)

    judged = judge(take_run(tmp_path / "run", values(shift=1e-3)), known)

    assert "x:curve#0[50] is " in judged.reason


@pytest.mark.parametrize(
    ("content", "expects", "verdict"),
    [
        (values(shift=1e-3), "changed", GREEN),
        (values(shift=1e-3), "statistically the same", RED),
        (values(seed=77), "bit-identical", RED),
        (values(seed=77), "rounding", GREEN),
        (values(), "bit-identical", GREEN),
    ],
)
def test_more_than_declared_is_red(
    tmp_path: Path, content: Any, expects: str, verdict: Verdict
) -> None:
    """What was said of the run counts before what its suite says."""
    known = fingerprints.store_ensemble(tmp_path)
    run = take_run(tmp_path / "run", content, expects=expects)
    declared = take_run(tmp_path / "run", content)

    assert judge(run, known).verdict is verdict
    assert judge(declared, known, expect=expects).verdict is verdict


@pytest.mark.parametrize(
    ("centre", "expected", "verdict"),
    [(None, "changed", RED), (1.0, "statistically the same", RED), (9.0, "changed", RED)],
)
def test_goldens_say_what_other_seeds_give(
    tmp_path: Path, centre: float | None, expected: str, verdict: Verdict
) -> None:
    """Beyond rounding the goldens decide; without any, or with a red one, it is changed."""
    first = values()["curve"][0]
    shared: dict[str, Any] = {"metric": "x:curve[0]", "scale": "linear", "sd": 0.1}
    shared |= {"environment": ENVIRONMENT | HERE}
    known = () if centre is None else (golden(mean=first * centre, **shared),)
    made = fingerprints.store_ensemble(tmp_path, known)
    run = take_run(tmp_path / "run", values(shift=1e-3))
    others = [] if centre is None else [MEAN]

    judged = judge(run, made, *others)
    allowed = judge(run, made, *others, expect="statistically the same")

    assert answers.find_answer([judged]) == expected
    assert judged.verdict is verdict
    assert allowed.verdict is (GREEN if expected == "statistically the same" else RED)


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_what_is_not_finite_is_never_the_same(tmp_path: Path, nothing: float) -> None:
    """Though every golden holds: no seed gives a NaN, and no declaration short of changed."""
    content = values()
    content["layers"]["b"] = nothing
    shared = {"environment": ENVIRONMENT | HERE, "metric": "x:curve[0]", "scale": "linear"}
    known = golden(mean=content["curve"][0], sd=0.1, **shared)
    made = fingerprints.store_ensemble(tmp_path, (known,))
    run = take_run(tmp_path / "run", content)

    judged = judge(run, made, MEAN, expect="statistically the same")

    assert (judged.verdict, judged.found) == (RED, "changed (not finite)")
    assert judged.reason == "the answer is changed: x:layers#0.b is not finite"


def test_numbers_that_came_or_went_are_counted(tmp_path: Path) -> None:
    """By the expression that gives them, and under another name they are said to be others."""
    made = fingerprints.store_ensemble(tmp_path)
    shorter = values() | {"curve": values()["curve"][:-3]}
    renamed = values() | {"layers": dict(zip("abd", values()["layers"].values(), strict=True))}

    reasons = [judge(take_run(tmp_path / "run", x), made).reason for x in (shorter, renamed)]

    changed = "the answer is changed: "
    assert reasons == [
        f"{changed}x:curve gives 97 numbers, and 100 in the ensemble",
        f"{changed}its 103 numbers have other names or another order than the ensemble's",
    ]


def test_a_small_move_is_written_with_its_digits(tmp_path: Path) -> None:
    """A number that is the same in six digits tells nobody what moved."""
    made = fingerprints.store_ensemble(tmp_path)
    content = values()
    content["curve"][50] *= 1 + 1e-12

    reason = judge(take_run(tmp_path / "run", content), made, expect="bit-identical").reason

    is_, was = reason.partition(";")[0].rpartition(" is ")[2].split(", was ")
    assert float(is_) > float(was)


@pytest.mark.parametrize(
    ("facts", "options", "verdict", "severity"),
    [
        ({"environment": ENVIRONMENT | HERE | {"device": "cuda"}}, {}, OPEN, "fail"),
        ({"environment": ENVIRONMENT | HERE | {"numeric_class": "b"}}, {}, OPEN, "fail"),
        (
            {"environment": ENVIRONMENT | HERE | {"numeric_class": "b"}},
            {"machines": "device class"},
            GREEN,
            "fail",
        ),
        ({"parameters": PARAMETERS | {"seed": "7"}}, {}, OPEN, "warn"),
        ({"datasets": ()}, {}, OPEN, "fail"),
        ({"datasets": ()}, {"missing": "note"}, OPEN, "warn"),
    ],
)
def test_what_cannot_be_compared_is_no_pass(
    tmp_path: Path, facts: Any, options: Any, verdict: Verdict, severity: str
) -> None:
    """Another machine or other data are open; another seed is another question."""
    known = fingerprints.store_ensemble(tmp_path)

    judged = judge(take_run(tmp_path / "run", values(), **facts), known, **options)

    assert (judged.verdict, judged.severity) == (verdict, severity)
    assert ("another numeric class" in judged.expected) is ("machines" in options)


def test_without_a_fingerprint_it_is_open(tmp_path: Path) -> None:
    """A suite that declares one and has none is not green."""
    assert judge(take_run(tmp_path / "run", values()), None).verdict is OPEN
    assert judge(take_run(tmp_path / "run", values()), GoldenSet()).verdict is OPEN


def test_widened_limit_is_refused(tmp_path: Path) -> None:
    """A limit that does not follow from its distances was typed."""
    known = fingerprints.store_ensemble(tmp_path, limits=(1e6,) * 4)

    judged = judge(take_run(tmp_path / "run", values()), known)

    assert judged.verdict is OPEN
    assert "the limits 1e+06" in judged.reason


def test_changed_array_is_refused(tmp_path: Path) -> None:
    """One byte of the array that the text does not vouch for."""
    known = fingerprints.store_ensemble(tmp_path)
    path = known.fingerprints[0].path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(IntegrityError):
        known.fingerprints[0].read_array()
    assert judge(take_run(tmp_path / "run", values()), known).verdict is OPEN


@pytest.mark.parametrize(("rows", "kind"), [(2, "<f8"), (4, "<f8"), (3, "<f4"), (3, ">f8")])
def test_array_of_another_shape_or_kind_is_damage(tmp_path: Path, rows: int, kind: str) -> None:
    """Though the text vouches for its bytes."""
    known = fingerprints.store_ensemble(tmp_path)
    about = known.fingerprints[0].about
    stream = io.BytesIO()
    np.save(stream, np.ones((rows, sum(about.counts.values())), kind))
    content = stream.getvalue()
    about = replace(about, array_sha256=stored.digest_array(content))
    stored.save(tmp_path, about, content)

    (read,) = stored.load(tmp_path)

    with pytest.raises(IntegrityError, match="an array"):
        fingerprint.read_ensemble(read)


@pytest.mark.parametrize(
    "options", [{"numbers": []}, {"numbers": ["x"]}, {"expect": "fine"}, {"rate": 0.7}]
)
def test_wrong_declarations_are_refused(options: dict[str, Any]) -> None:
    """Before anything runs."""
    with pytest.raises(ConfigError):
        registry.check([spec(**options)])


def test_array_is_what_numpy_reads(tmp_path: Path) -> None:
    """The array is an NPY file like any other."""
    numpy = pytest.importorskip("numpy")
    (tmp_path / "x.npy").write_bytes(stored.encode_array([(1.5, -2.0), (3.0, 1e-300)]))

    read = numpy.load(tmp_path / "x.npy", allow_pickle=False)

    assert read.tolist() == [[1.5, -2.0], [3.0, 1e-300]]


def test_judging_thousands_of_numbers_is_fast(tmp_path: Path) -> None:
    """2,500 numbers take far below the 0.2 s that a run may be kept waiting."""
    known = fingerprints.store_ensemble(tmp_path, count=2500)
    run = take_run(tmp_path / "run", values(seed=5, count=2500))
    registry.check([spec()])

    began = time.process_time()
    registry.judge([spec()], run, known)

    assert time.process_time() - began < 0.2


def test_every_number_below_a_path_counts(tmp_path: Path) -> None:
    """Lists and objects are gone through in order; text, flags and nothing are passed over."""
    run = take_run(tmp_path, {"a": [1, {"b": 2.5, "c": "x"}, True, None, [3]]})

    taken = numbers.take(run, ["x:a", "x:a[0]"])

    assert taken.values == (1.0, 2.5, 3.0, 1.0)
    assert taken.names == ("x:a#0[0]", "x:a#0[1].b", "x:a#0[4][0]", "x:a[0]#0")
    assert taken.counts == {"x:a": 3, "x:a[0]": 1}
