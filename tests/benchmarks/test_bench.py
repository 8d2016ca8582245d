"""The page of all benchmarks, composed from figures that are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks import bench, bench_page, bench_parts, measured, quality_record
from benchmarks.bench_parts import PARTS, Outcome, Part
from benchmarks.measured import Measured

FAST = Measured(
    what="verify",
    value=0.5,
    unit="s",
    peer="sha256sum -c",
    beside=2.0,
    floor=0.125,
    target="ratio ≤ 0.3",
    holds=True,
)
SLOW = Measured(what="start", value=1.25, unit="s", target="≤ 0.08 s", holds=False)
GONE = Measured(what="start", value=0.03, unit="s", peer="dvc --version")
DONE = Outcome(began="2026-01-02 03:04", load=1.5, cores=2, commit="abc1234", seconds=90.0)


@pytest.fixture
def part() -> Part:
    """A part that writes one figure, or fails where it is told to."""
    return Part(name="site", title="A part", argv=("json.tool",), page="site-speed.md")


def composed(*outcomes: tuple[Part, Outcome | None], docs: Path) -> str:
    return bench_page.page(outcomes, ["Machine: made up."], docs, is_quick=False)


def test_a_row_stands_beside_its_peer(tmp_path: Path) -> None:
    """Ratio is found by its peer, floor and target stand with it, and a missed one says no."""
    outcome = replace(DONE, figures=[FAST, SLOW])

    text = composed((PARTS[2], outcome), docs=tmp_path)

    line = "| verify | 500 ms | sha256sum -c: 2 s | 0.25 | 125 ms | ratio ≤ 0.3 | yes |"
    assert line in text
    assert "| start | 1.25 s |  |  |  | ≤ 0.08 s | **no** |" in text
    assert "1 of 2 targets held." in text
    assert "2026-01-02 03:04, commit abc1234, 90 s; load average before: 1.5." in text


def test_a_missing_peer_is_told(tmp_path: Path) -> None:
    """A program that is not there leaves a row that says so, and no ratio."""
    text = composed((PARTS[2], replace(DONE, figures=[GONE])), docs=tmp_path)

    assert "| start | 30 ms | dvc --version: not installed |  |  |  |  |" in text
    assert bench_page.versions({"dvc": None, "torch": "2"}) == "dvc not installed, torch 2."


def test_a_failed_part_is_told(tmp_path: Path) -> None:
    """A part that failed says why in its place, and those not measured are named."""
    failed = replace(DONE, failure="exit code 1; it said: no room")

    text = composed((PARTS[0], failed), (PARTS[3], None), docs=tmp_path)

    assert "**Failed: model.**" in text
    assert "**This part failed:** exit code 1; it said: no room" in text
    assert "Not measured on this state of the code: site;" in text


@pytest.mark.parametrize(("load", "is_told"), [(1.9, False), (2.1, True)])
def test_a_busy_machine_is_told(tmp_path: Path, load: float, is_told: bool) -> None:  # noqa: FBT001
    """Times taken beside other work than the cores can hold are marked as such."""
    text = composed((PARTS[2], replace(DONE, load=load, figures=[FAST])), docs=tmp_path)

    assert ("The machine was busy" in text) == is_told


def test_only_pages_that_are_there_are_linked(tmp_path: Path) -> None:
    """A link to a detailed page or plot appears with the file, not before."""
    part, outcome = PARTS[2], replace(DONE, figures=[FAST])
    before = composed((part, outcome), docs=tmp_path)
    for name in (part.page, *part.pictures):
        (tmp_path / name).touch()

    after = composed((part, outcome), docs=tmp_path)

    assert part.page not in before
    assert part.pictures[0] not in before
    assert f"[{part.page}]({part.page})" in after
    assert f"]({part.pictures[0]})" in after


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "–"),
        (0.0123, "s", "12.3 ms"),
        (12345.0, "s", "12,345 s"),
        (18740.4, "patterns/s", "18,740 patterns/s"),
        (0.0587, "rad", "0.0587 rad"),
    ],
)
def test_figures_are_written_readably(value: float | None, unit: str, text: str) -> None:
    """Three digits, whole numbers from a hundred on, and never a power of ten."""
    assert bench_page.said(value, unit) == text


@pytest.mark.parametrize(("unit", "gain"), [("s", 4.0), ("MB", 4.0), ("groups/s", 0.25)])
def test_gain_counts_the_better_way(unit: str, gain: float) -> None:
    """A quarter of the cost is four times better, a quarter of the rate four times worse."""
    assert replace(FAST, unit=unit).gain == pytest.approx(gain)


def test_only_peers_of_users_are_drawn(tmp_path: Path) -> None:
    """A larger size beside a smaller one is no peer, and draws no bar."""
    outcome = replace(DONE, figures=[FAST, GONE])
    outcomes = [(part, outcome) for part in PARTS if part.name in ("evidence", "memory")]

    bars = bench_page.drawn(outcomes)
    bench_page.draw(bars, tmp_path / "pictures" / "bars.svg")

    assert bars == [("verify  /  sha256sum -c", 4.0)]
    assert (tmp_path / "pictures" / "bars.svg").stat().st_size


def test_figures_survive_their_file(tmp_path: Path) -> None:
    """What a benchmark writes is read back, and something else is refused."""
    path = tmp_path / "new" / "figures.json"

    measured.write(path, [FAST, SLOW, GONE])

    assert measured.read(path) == [FAST, SLOW, GONE]
    with pytest.raises(ValueError, match="not a list of figures"):
        measured.decoded([{"what": "x", "colour": "red"}])


def test_a_part_without_figures_has_failed(tmp_path: Path, part: Part) -> None:
    """A program that ends without its figures fails with its last line, free of folders."""
    outcome = bench_parts.perform(part, tmp_path / "run", ["/a/b/none"], is_quick=False)

    assert outcome.failure.startswith("exit code 2; it said:")
    assert "/a/b" not in outcome.failure
    assert bench_parts.read_outcome(part, tmp_path / "run") == outcome


def test_figures_count_whatever_the_exit_code(tmp_path: Path, part: Part) -> None:
    """A benchmark that missed a limit ends with 1 and has been measured all the same."""
    missed = replace(part, argv=("tests.builders.figures",))

    outcome = bench_parts.perform(missed, tmp_path, [], is_quick=False)

    assert [figure.holds for figure in outcome.figures] == [False]
    assert not outcome.failure


def test_parts_are_kept_and_failed_ones_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run goes on: what it holds is not measured again, what failed is; 1 where it fails."""
    run, output = tmp_path / "run", tmp_path / "docs" / "benchmarks.md"
    run.mkdir()
    output.parent.mkdir()
    broken: list[Part] = [replace(part, argv=("no_such_module",)) for part in PARTS]
    monkeypatch.setattr(bench, "PARTS", broken)
    bench_parts.keep(PARTS[0], run, replace(DONE, figures=[FAST]))
    bench_parts.keep(PARTS[3], run, replace(DONE, failure="exit code 1; it said: no"))
    words = ["--run", str(run), "--output", str(output)]

    good = CliRunner().invoke(bench.main, ["model", *words])
    bad = CliRunner().invoke(bench.main, ["model", "site", *words])

    assert good.exit_code == 0
    assert good.stdout.startswith("model: kept from 2026-01-02 03:04")
    assert bad.exit_code == 1
    assert "No module named no_such_module" in output.read_text("utf-8")


def test_a_page_can_be_written_alone(tmp_path: Path) -> None:
    """Nothing is measured where only the page is asked for, and it says so."""
    run, output = tmp_path / "run", tmp_path / "benchmarks.md"

    done = CliRunner().invoke(
        bench.main, ["--page-only", "--run", str(run), "--output", str(output)]
    )

    assert done.exit_code == 0
    assert not run.exists()
    assert "Not measured on this state of the code: model, quality" in output.read_text()


def test_an_outcome_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file of another kind in the run directory is told, not measured over."""
    (tmp_path / "model.json").write_text(json.dumps({"began": "today"}))

    with pytest.raises(click.ClickException, match="holds no outcome"):
        bench_parts.read_outcome(PARTS[0], tmp_path)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_short_forms_touch_no_page(part: Part, tmp_path: Path) -> None:
    """Every short form is one: it asks for no page of the documentation."""
    words = bench_parts.words(part, tmp_path, [], is_quick=True)

    assert "--keep" not in words
    assert part.quick
    assert words[-2] == "--json"


def quality(error: float, training: float | None, cpu: float) -> dict[str, object]:
    metrics = {"phase": {"mse": error**2}}
    method = f"cnn, {training:.0f} epochs" if training else "pty-chi LSQML, 5 sweeps"
    row = {"scan": "star", "method": method, "training_cpu_s": training, "cpu_s": cpu}
    return {**row, "metrics": metrics}


def test_time_to_the_same_phase_error() -> None:
    """The solver's first look with no larger error than the best network's is its time."""
    points = [
        {"cpu_s": seconds, "complex_error": 1.0, "phase_rmse": error}
        for seconds, error in ((1.0, 0.5), (2.0, 0.3), (3.0, 0.1), (4.0, 0.2))
    ]
    record = {
        "rows": [quality(0.4, 10.0, 8.0), quality(0.3, 50.0, 6.0), quality(0.1, None, 3.0)],
        "curves": [{"scan": "star", "solver": "pty-chi LSQML", "points": points}],
    }

    time, error, absent = quality_record.figures(record)

    assert (time.value, time.beside, time.unit) == (6.0, 2.0, "CPU-s")
    assert (error.value, error.beside) == (pytest.approx(0.3), 0.1)
    assert (absent.beside, absent.absent) == (None, measured.MISSING)


def test_an_error_never_reached_is_told() -> None:
    """Where the solver stays above the network's error, no time is given."""
    point = {"cpu_s": 1.0, "complex_error": 1.0, "phase_rmse": 0.5}
    curve = {"scan": "star", "solver": "pty-chi LSQML", "points": [point]}
    record = {"rows": [quality(0.3, 50.0, 6.0)], "curves": [curve]}

    time = next(quality_record.figures(record))

    assert (time.beside, time.absent) == (None, "never reached")


def test_versions_are_numbers() -> None:
    """What programs say around their version is left out; what is missing is told."""
    by_name = {
        "mlflow": "mlflow, version 3.1",
        "git": "git version 2.3",
        "dvc": "3.6",
        "numpy": None,
    }

    assert bench_page.versions(by_name) == "mlflow 3.1, git 2.3, dvc 3.6, numpy not installed."
