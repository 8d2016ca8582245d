"""Goldens as files: written, read back, looked up, and refused when touched."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import EvidenceMissingError, IntegrityError
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from harness.judgement.guards import registry
from harness.verdict import Verdict
from tests.builders.evidence import DATASETS, ENVIRONMENT, evidence, guard

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE


def golden(**changes: Any) -> GoldenValue:
    """A golden of x:a around 10⁻³, with 12 seeds and a tenth of a decade of spread."""
    value = GoldenValue(
        metric="x:a",
        mean=-3.0,
        sd=0.1,
        n=12,
        scale="log10",
        sides="two",
        coverage=0.95,
        confidence=0.95,
        low=None,
        high=None,
        environment=ENVIRONMENT,
        datasets=DATASETS,
        hubs=tuple(f"hubs/s/{i}" for i in range(12)),
        seeds=tuple(str(i) for i in range(12)),
        reason="first",
        author="A. Person",
        date="2026-01-02T03:04:05Z",
        commit="c" * 40,
    )
    return store.recompute_bounds(dataclasses.replace(value, **changes))


def test_bounds_are_the_tolerance_interval() -> None:
    """For n = 12, k is 3.1633; the bounds lie that many sd away, on the golden's scale."""
    value = golden()

    assert (value.low, value.high) == pytest.approx((10**-3.31633, 10**-2.68367), rel=1e-4)
    assert golden(sides="high").low is None
    assert golden(scale="linear", sides="low").high is None


def test_files_keep_every_value(tmp_path: Path) -> None:
    """What was saved is loaded again, with the same digest, whatever the order."""
    first, second = golden(), golden(metric="x:b", environment={"device": "cuda"})
    store.save(tmp_path / "golden", GoldenSet(values=(second, first)))

    loaded = store.load(tmp_path / "golden")

    assert sorted(loaded.values, key=lambda value: value.metric) == [first, second]
    assert loaded.digest == GoldenSet(values=(first, second)).digest
    assert len(list((tmp_path / "golden").iterdir())) == 2


def test_absent_folder_holds_none(tmp_path: Path) -> None:
    """A suite without a folder has no golden, and that is no error."""
    assert store.load(tmp_path / "nowhere").values == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("low", 1e-9),
        ("low", None),
        ("high", None),
        ("sd", 0.4),
        ("sd", 0.0),
        ("mean", -2.0),
        ("n", 30),
        ("coverage", 0.99),
        ("scale", "log"),
        ("sides", "both"),
        ("sides", "high"),
        ("sd", float("nan")),
        ("mean", float("inf")),
        ("confidence", 1.0),
        ("seeds", ["1"] * 11),
        ("reason", " "),
        ("reasons", "x"),
        ("mean", "high"),
    ],
)
def test_edited_number_is_found(tmp_path: Path, key: str, value: Any) -> None:
    """One field changed by hand contradicts the others, and loading says where."""
    (path,) = store.save(tmp_path, GoldenSet(values=(golden(),)))
    content = json.loads(path.read_text())
    content["values"][0][key] = value
    path.write_text(json.dumps(content))

    with pytest.raises(IntegrityError) as caught:
        store.load(tmp_path)

    assert str(path) in caught.value.where


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"schema": 2, "values": []}',
        b'{"schema": 1}',
        b'{"schema": 1, "values": {}}',
        b'{"schema": 1, "values": [], "more": 1}',
        b'{"schema": 1, "values": [], "values": []}',
    ],
)
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that holds no goldens is damage, not an empty set."""
    (tmp_path / "cpu.json").write_bytes(content)

    with pytest.raises(IntegrityError):
        store.load(tmp_path)


def test_digest_sees_every_field() -> None:
    """A consistent edit changes the digest that the ledger holds."""
    assert GoldenSet(values=(golden(),)).digest != GoldenSet(values=(golden(sd=0.11),)).digest
    assert (
        GoldenSet(values=(golden(),)).digest != GoldenSet(values=(golden(reason="x"),)).digest
    )


def test_exact_environment_comes_first() -> None:
    """The exact environment wins over a newer golden of the same device class."""
    other = golden(
        environment={**ENVIRONMENT, "torch": "9"}, date="2027-01-01T00:00:00Z", mean=-2.0
    )
    goldens = GoldenSet(values=(golden(), other))

    assert goldens.lookup("x:a", ENVIRONMENT, DATASETS).mean == -3.0
    assert goldens.lookup("x:a", {**ENVIRONMENT, "torch": "8"}, DATASETS).mean == -2.0


@pytest.mark.parametrize(
    ("metric", "environment", "datasets", "found"),
    [
        ("x:b", ENVIRONMENT, DATASETS, "metric"),
        ("x:a", {**ENVIRONMENT, "device": "cuda"}, DATASETS, "device"),
        ("x:a", ENVIRONMENT, {**DATASETS, "train": "f" * 64}, "datasets"),
        ("x:a", ENVIRONMENT, {}, "datasets"),
    ],
)
def test_no_golden_of_another_kind(
    metric: str, environment: dict[str, str], datasets: dict[str, str], found: str
) -> None:
    """Another metric, device class or dataset is never compared with."""
    with pytest.raises(EvidenceMissingError) as caught:
        GoldenSet(values=(golden(),)).lookup(metric, environment, datasets)

    assert found in caught.value.found
    if found == "datasets":
        first = {"train": "f" * 12, "test": "b" * 12}
        named = [f"{role} {first[role]}" for role in sorted(datasets)]
        assert caught.value.expected == (", ".join(named) or "none")


def test_too_few_seeds_say_nothing() -> None:
    """A golden of fewer than 12 seeds is no basis for a verdict."""
    few = golden(n=5, seeds=tuple("12345"))

    with pytest.raises(EvidenceMissingError) as caught:
        GoldenSet(values=(few,)).lookup("x:a", ENVIRONMENT, DATASETS)

    assert "5 seeds" in caught.value.found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e-3, GREEN),
        (1.9e-3, GREEN),
        (2.2e-3, RED),
        (1e-4, RED),
        (1e-2, RED),
        (0.0, RED),
        (-1e-3, RED),
        (float("nan"), RED),
        (float("inf"), RED),
        (None, OPEN),
    ],
)
def test_golden_guard_is_two_sided(
    tmp_path: Path, value: float | None, expected: Verdict
) -> None:
    """Inside the interval passes; a collapse, a burst and a NaN are red."""
    run = evidence(tmp_path, {"x.json": {"a": value}})
    spec = guard("golden", metric="x:a", scale="log10")

    assert registry.judge([spec], run, GoldenSet(values=(golden(),)))[0].verdict is expected


def test_last_digits_of_a_bound_may_differ(tmp_path: Path) -> None:
    """Another library rounds otherwise; a thousandth is no rounding."""
    (path,) = store.save(tmp_path, GoldenSet(values=(golden(),)))
    content = json.loads(path.read_text())
    low = content["values"][0]["low"]

    for factor, is_read in (
        (1 + 1e-12, True),
        (1 - 1e-12, True),
        (1.001, False),
        (0.999, False),
    ):
        content["values"][0]["low"] = low * factor
        path.write_text(json.dumps(content))
        if is_read:
            assert store.load(tmp_path).values[0].low == low * factor
        else:
            with pytest.raises(IntegrityError, match="from its mean, sd and n"):
                store.load(tmp_path)


def test_open_side_is_stored_as_open(tmp_path: Path) -> None:
    """And a set is empty only without values and without fingerprints."""
    values = (golden(sides="low", metric="x:l"), golden(sides="high", metric="x:h"))
    store.save(tmp_path / "golden", GoldenSet(values=values))

    (high, low) = store.load(tmp_path / "golden").values

    assert (high.low, low.high) == (None, None)
    assert high.high == pytest.approx(1e-3 * 10 ** (0.1 * 2.736), rel=1e-3)  # k of 12, one side
    assert (GoldenSet(values=values).is_empty, GoldenSet().is_empty) == (False, True)
    (tmp_path / "link").symlink_to(tmp_path / "golden")
    with pytest.raises(IntegrityError, match="a symbolic link"):
        store.load(tmp_path / "link")


@pytest.mark.parametrize(
    ("device", "head"), [("cuda:0", "cuda0"), ("cpu", "cpu"), ("::", "any"), (None, "any")]
)
def test_file_is_named_by_device_and_digests(device: str | None, head: str) -> None:
    """Letters and figures of the device; another environment or datasets, another file."""
    environment = {} if device is None else {"device": device}
    name = store.file_name(golden(environment=environment))

    parts = name.removesuffix(".json").split("-")
    assert (parts[0], [len(one) for one in parts[1:]]) == (head, [12, 12])
    assert store.file_name(golden(environment={**environment, "x": "1"})) != name
    assert store.file_name(golden(environment=environment, datasets={})) != name
    assert store.file_name(golden(environment=environment, metric="x:b")) == name


def test_newest_of_those_that_fit_is_taken() -> None:
    """By its date, wherever it stands; on the linear scale the centre is the mean."""
    dates = ("2026-01-03", "2026-01-05", "2026-01-04")
    values = tuple(
        golden(date=f"{date}T00:00:00Z", mean=float(i), scale="linear")
        for i, date in enumerate(dates)
    )

    assert GoldenSet(values=values).lookup("x:a", ENVIRONMENT, DATASETS).reference == 1.0
    assert golden().reference == pytest.approx(1e-3)


@pytest.mark.parametrize(("n", "is_enough"), [(11, False), (12, True)])
def test_twelve_seeds_are_enough(n: int, is_enough: bool) -> None:  # noqa: FBT001 - a column
    """One fewer gives no basis."""
    made = GoldenSet(values=(golden(n=n, seeds=tuple(map(str, range(n)))),))

    if is_enough:
        assert made.lookup("x:a", ENVIRONMENT, DATASETS).n == n
    else:
        with pytest.raises(EvidenceMissingError):
            made.lookup("x:a", ENVIRONMENT, DATASETS)
