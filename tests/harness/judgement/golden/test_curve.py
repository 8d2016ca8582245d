"""Bands of curves against closed forms, and against simulated curves of known covariance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from harness.errors import EvidenceMissingError, IntegrityError
from harness.judgement.golden import components, curve_statistics, store, tolerance
from harness.judgement.golden.calibrate import CalibrationRefusedError
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenSet
from tests.builders import curves

KINDS = [
    ("neighbours", 0.0, 10),
    ("neighbours", 0.9, 30),
    ("neighbours", 0.99, 30),
    ("common", 0.5, 10),
    ("common", 0.95, 30),
]


def red_share(golden: GoldenCurve, rows: np.ndarray) -> float:
    """Share of runs that leave a band, computed by NumPy."""
    far = abs(rows - np.array(golden.centre)) / np.array(golden.sd)
    is_red = (far > golden.factor).any(axis=1)
    if golden.components:
        scores = (rows - np.array(golden.centre)) / np.array(golden.sd)
        parts = [
            (scores @ np.array(one.loading)) ** 2 / one.variance for one in golden.components
        ]
        rate = (1 - golden.coverage) / 2
        is_red |= sum(parts) > components.find_limit(golden.n, len(parts), rate)
    return float(is_red.mean())


def test_one_value_is_a_single_golden() -> None:
    """Of a curve with one value the factor is that of a tolerance interval."""
    rows = np.random.default_rng(1).standard_normal((12, 1))

    made = curves.calibrate(rows, coverage=0.999)

    assert made.independent == 1
    assert made.factor == pytest.approx(tolerance.two_sided(12, 0.999, 0.95), rel=1e-12)
    assert made.centre[0] == pytest.approx(rows.mean(), rel=1e-12)
    assert made.sd[0] == pytest.approx(rows.std(ddof=1), rel=1e-12)
    edge = made.centre[0] + made.factor * made.sd[0]
    assert made.high == pytest.approx((edge,), rel=1e-12)


def test_values_that_stand_alone_are_counted() -> None:
    """Independent values count as many as there are, copies of one value as one or two."""
    rng = np.random.default_rng(2)
    alone = curves.calibrate(rng.standard_normal((24, 40)))
    copies = curves.calibrate(rng.standard_normal((24, 1)) * np.linspace(1, 2, 40))

    assert alone.independent > 30
    assert copies.independent < 2.5


def test_distances_leave_the_run_itself_out() -> None:
    """Each run is held against mean and deviation of the others, as NumPy computes them."""
    rows = np.random.default_rng(3).standard_normal((8, 3))

    distances = curve_statistics.list_farthest(rows.tolist(), "two")

    for index, distance in enumerate(distances):
        others = np.delete(rows, index, axis=0)
        far = abs(rows[index] - others.mean(axis=0)) / others.std(axis=0, ddof=1)
        assert distance == pytest.approx(far.max(), rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "correlation", "count", "component_count"),
    [*((*kind, 0) for kind in KINDS), (*KINDS[1], 1), (*KINDS[3], 1)],
)
def test_false_alarms_keep_the_rate(
    kind: str, correlation: float, count: int, component_count: int
) -> None:
    """Over calibrations, clean curves leave the band no more often than it states."""
    rng = np.random.default_rng(4)
    matrix = curves.covariance(kind, count, correlation)
    rates = []
    for _ in range(20):
        golden = curves.calibrate(
            curves.draw(rng, 16, matrix), coverage=0.95, components=component_count
        )
        rates.append(red_share(golden, curves.draw(rng, 1000, matrix)))

    # Calibrations are independent, runs of one are not: the error is that of their mean.
    error = np.std(rates, ddof=1) / np.sqrt(len(rates))
    assert np.mean(rates) - 3 * error <= golden.rate
    # A band that no clean run ever leaves would be too wide to see anything.
    assert np.mean(rates) > golden.rate / 20
    assert sum(rate > golden.rate for rate in rates) <= stats.binom.ppf(0.999, 20, 0.1)


@pytest.mark.parametrize("sides", ["two", "low", "high"])
def test_a_shift_at_one_value_is_seen(sides: str) -> None:
    """What is said to be noticed is red in 99 of 100 runs, at whichever value it is."""
    rng = np.random.default_rng(5)
    matrix = curves.covariance("neighbours", 20, 0.8)
    golden = dataclasses.replace(
        curves.calibrate(curves.draw(rng, 24, matrix), sides=sides),
        centre=(0.0,) * 20,  # as of very many runs, so that the closed form holds
        sd=(1.0,) * 20,
    )
    shifts = curve_statistics.find_noticed(golden)
    for place in (0, 11):
        rows = curves.draw(rng, 3000, matrix)
        rows[:, place] += shifts[place]
        seen = [curve_statistics.measure(golden, row).measure > 1 for row in rows.tolist()]

        assert sum(seen) >= stats.binom.ppf(0.001, 3000, 0.99)


def test_a_common_shift_is_seen_by_t_squared() -> None:
    """What shifts all values by little leaves no band but is far along their component."""
    rng = np.random.default_rng(6)
    matrix = curves.covariance("common", 40, 0.3)
    clean = curves.draw(rng, 24, matrix)
    moved = curves.draw(rng, 2000, matrix) + 2.4

    alone = red_share(curves.calibrate(clean, coverage=0.99), moved)
    together = red_share(curves.calibrate(clean, coverage=0.99, components=1), moved)

    assert together > 0.75
    assert together > alone + 0.2


def test_limit_is_that_of_hotelling() -> None:
    """T² of a further run along known directions exceeds its limit at the rate."""
    rng = np.random.default_rng(7)
    runs, count, rate, trials = 16, 2, 0.05, 20_000
    rows = rng.standard_normal((trials, runs + 1, count))
    before, new = rows[:, :-1], rows[:, -1]
    off = new - before.mean(axis=1)
    centred = before - before.mean(axis=1, keepdims=True)
    spread = np.einsum("tri,trj->tij", centred, centred) / (runs - 1)
    squares = np.einsum("ti,tij,tj->t", off, np.linalg.inv(spread), off)

    share = (squares > components.find_limit(runs, count, rate)).mean()

    assert share == pytest.approx(rate, abs=4 * np.sqrt(rate / trials))
    assert tolerance.f_quantile(0.999, 3, 21) == pytest.approx(stats.f.ppf(0.999, 3, 21))


def test_components_are_eigenvectors() -> None:
    """Directions and variances are those that NumPy finds in the covariance matrix."""
    rng = np.random.default_rng(8)
    rows = rng.standard_normal((24, 5)) * [5.0, 3.0, 1.0, 0.5, 0.2]
    rows -= rows.mean(axis=0)

    made = components.find_components(rows.tolist(), 3)

    values, vectors = np.linalg.eigh(rows.T @ rows / 23)
    for index, one in enumerate(made):
        assert one.variance == pytest.approx(values[-1 - index], rel=1e-9)
        assert abs(np.dot(one.loading, vectors[:, -1 - index])) == pytest.approx(1, rel=1e-9)


def test_components_need_eight_runs_each() -> None:
    """Fifteen runs give one component and no second; the band is made all the same."""
    rows = np.random.default_rng(9).standard_normal((15, 6))

    assert len(curves.calibrate(rows, components=1).components) == 1
    assert curves.calibrate(rows, components=2).components == ()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda rows: rows[:11], EvidenceMissingError),
        (lambda rows: np.where(np.arange(4) == 2, 7.0, rows), CalibrationRefusedError),
        (lambda rows: np.where(rows == rows[3, 1], np.nan, rows), CalibrationRefusedError),
    ],
)
def test_unusable_curves_are_refused(change: object, error: type[Exception]) -> None:
    """Too few seeds, a value without spread and one that is no number make no band."""
    rows = np.random.default_rng(10).standard_normal((12, 4))

    with pytest.raises(error):
        curves.calibrate(change(rows))  # type: ignore[operator]


def test_runs_of_other_lengths_are_refused() -> None:
    """A seed with one value less gives no band."""
    rng = np.random.default_rng(11)
    runs = curves.samples(rng.standard_normal((12, 4)))
    runs[5] = dataclasses.replace(runs[5], curves=curves.samples(np.zeros((1, 3)))[0].curves)
    target = curves.CurveTarget(metric=curves.METRIC)

    with pytest.raises(CalibrationRefusedError):
        curves.curve_calibration.make(target, runs, curves.PROVENANCE, {})


def test_a_lone_value_does_not_narrow_the_band() -> None:
    """With longer tails than normal ones, no band refuses the runs that it is made of."""
    rows = np.random.default_rng(12).standard_normal((12, 4))
    rows[3, 2] = 40.0

    made = curves.calibrate(rows)

    assert made.factor >= max(made.farthest) > 20


def test_a_log_scale_is_judged_on_it() -> None:
    """Factors are distances there, and zero lies beyond every band."""
    rows = 10 ** np.random.default_rng(13).normal(-3, 0.1, (16, 5))

    made = curves.calibrate(rows, scale="log10")

    assert made.low is not None
    assert min(made.low) > 0
    edge = curve_statistics.measure(made, made.high or ())
    assert edge.parts == pytest.approx((1.0,) * 5, rel=1e-9)
    assert curve_statistics.measure(made, (0.0, *made.high[1:])).measure > 1e9  # type: ignore[index]


def test_bands_are_read_as_written(tmp_path: store.Path) -> None:
    """A band is stored beside the values of its comparison and read with the same digest."""
    made = curves.calibrate(np.random.default_rng(14).standard_normal((16, 5)), components=1)
    golden = GoldenSet(curves=(made,))

    (path,) = store.save(tmp_path, golden)

    assert store.load(tmp_path) == golden
    assert store.load(tmp_path).digest == golden.digest != GoldenSet().digest
    assert path.parent == tmp_path


@pytest.mark.parametrize(
    "change",
    [
        {"factor": 9.0},
        {"independent": 1.5},
        {"high": (9.0,) * 5},
        {"low": None},
        {"sd": (1.0,) * 4},
        {"farthest": (1.0,) * 16},
        {"n": 15},
        {"reason": " "},
        {"sides": "none"},
    ],
)
def test_a_band_widened_by_hand_is_damage(change: dict[str, object], tmp_path: object) -> None:
    """Every number follows from distances, centres and deviations, or the file is refused."""
    made = curves.calibrate(np.random.default_rng(15).standard_normal((16, 5)))
    store.save(tmp_path, GoldenSet(curves=(dataclasses.replace(made, **change),)))  # type: ignore[arg-type]

    with pytest.raises(IntegrityError):
        store.load(tmp_path)  # type: ignore[arg-type]
