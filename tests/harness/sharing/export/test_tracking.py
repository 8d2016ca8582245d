"""A hub as a run of MLflow, judged by MLflow's own client on a folder and on SQLite."""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from harness.cli.main import main
from harness.errors import ConfigError, IntegrityError, StorageError
from harness.evidence.hub import inventory
from harness.evidence.hub.store import read_record
from harness.files import sha256_file
from harness.sharing.export import tracking
from harness.sharing.export.tracking import Place
from harness.verdict import Verdict
from tests.builders import reports, sealed
from tests.builders.sealed import Store

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # MLflow's, of plain folders
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # SQLite connections of its pool
]
_MISSING = "the extra mlflow is not installed: pip install 'ptycho-harness[mlflow]'"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with one sealed hub, which no test here changes."""
    return sealed.make(tmp_path_factory.mktemp("exported") / "project")


@pytest.fixture(params=["folder", pytest.param("sqlite", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A tracking store of each local kind."""
    pytest.importorskip("mlflow", reason=_MISSING)
    folder = tmp_path / "tracked"
    folder.mkdir()
    is_folder = request.param == "folder"
    return Place(str(folder) if is_folder else f"sqlite:///{folder}/runs.db", "evidence")


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    """A tracking store in a plain folder."""
    pytest.importorskip("mlflow", reason=_MISSING)
    return Place(str(tmp_path / "tracked"))


def client_of(place: Place) -> Any:
    """Open a store with the public client."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=place.address)


def runs_of(place: Place) -> list[Any]:
    """Return every run of a store."""
    client = client_of(place)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(ids))


def export(store: Store, place: Place, **changes: Any) -> str:
    """Export the hub, its record changed."""
    return tracking.write(store.hub, replace(read_record(store.hub), **changes), place)


def test_the_run_holds_what_the_hub_holds(store: Store, place: Place) -> None:
    """Parameters, numbers, curves, source and every byte come back from the public client."""
    record = replace(read_record(store.hub), parameters={"epochs": "10", "a/b c": "x"})
    made = tracking.write(store.hub, record, place)
    run = client_of(place).get_run(made)

    assert client_of(place).get_experiment(run.info.experiment_id).name == "evidence"
    assert (run.info.run_name, run.info.status) == (store.hub.name, "FINISHED")
    assert run.info.end_time - run.info.start_time >= 0
    assert run.data.params["parameter/epochs"] == "10"
    assert run.data.params["parameter_a/b c"] == "x"
    assert run.data.params["environment/python"] == record.environment["python"]
    assert run.data.metrics["stats/variance"] == 0.75
    assert run.data.metrics["stage measure/duration_s"] == record.stages[0].duration_s
    assert run.data.tags["mlflow.source.git.commit"] == record.stamp.commit
    assert run.data.tags["harness.verdict"] == "green"

    history = client_of(place).get_metric_history(run.info.run_id, "rows/value")
    with (store.hub / "analysis/measure/rows.csv").open() as stream:
        rows = [(int(row["step"]), float(row["value"])) for row in csv.DictReader(stream)]
    assert [(metric.step, metric.value) for metric in history] == rows

    stored = Path(urlparse(run.info.artifact_uri).path)
    for name, sha256 in inventory.read_manifest(store.hub).items():
        assert sha256_file(stored / name) == sha256


def test_a_hub_is_one_run(store: Store, place: Place) -> None:
    """A second export returns the same run and adds no point to any curve."""
    first = export(store, place)
    second = export(store, place)

    assert first == second
    assert len(runs_of(place)) == 1
    assert len(client_of(place).get_metric_history(first, "rows/value")) == 3


def test_a_broken_export_is_completed(
    store: Store, folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an interrupted export left is kept, and only what is missing is added."""
    from mlflow import MlflowClient

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifacts", refuse)
        with pytest.raises(StorageError, match="No space left"):
            export(store, folder)
    begun = runs_of(folder)[0].info

    assert begun.status == "RUNNING"
    assert export(store, folder) == begun.run_id
    assert runs_of(folder)[0].info.status == "FINISHED"
    assert len(client_of(folder).get_metric_history(begun.run_id, "rows/value")) == 3


def test_other_bytes_of_one_id_are_refused(
    store: Store, folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run id that was exported from another hub is an error, not an update."""
    export(store, folder)
    genuine = tracking.copying.copy

    def forged(hub: Path, target: Path) -> dict[str, str]:
        return genuine(hub, target) | {inventory.MANIFEST: "0" * 64}

    monkeypatch.setattr(tracking.copying, "copy", forged)
    with pytest.raises(ConfigError) as caught:
        export(store, folder)

    assert caught.value.found == "the same run id, exported from other bytes"


def test_a_damaged_hub_is_not_tracked(store: Store, folder: Place, tmp_path: Path) -> None:
    """No export launders a hub that was changed, and no run is begun for it."""
    damaged = sealed.copy(store, tmp_path / "project")
    sealed.write(damaged.hub / "cli/measure.log", b"measured 9 rows\n")

    with pytest.raises(IntegrityError):
        export(damaged, folder)

    assert runs_of(folder) == []


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.GREEN, "FINISHED"),
        (Verdict.RED, "FAILED"),
        (Verdict.INCONCLUSIVE, "FAILED"),
    ],
)
def test_only_green_is_finished(
    store: Store, folder: Place, verdict: Verdict, status: str
) -> None:
    """What could not be judged never looks like a pass; the tag says which it is."""
    export(store, folder, verdict=verdict)

    run = runs_of(folder)[0]
    assert (run.info.status, run.data.tags["harness.verdict"]) == (status, verdict.value)


def test_a_place_that_refuses_is_one_line(store: Store, tmp_path: Path) -> None:
    """A database in a folder that is not there is an error of the store."""
    pytest.importorskip("mlflow", reason=_MISSING)
    (tmp_path / "file").write_text("x")

    with pytest.raises(StorageError) as caught:
        export(store, Place(f"{tmp_path}/file/runs"))

    assert "--tracking-uri" in caught.value.remedy


def test_the_command_tracks_a_hub(
    store: Store, folder: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """``harness export --format mlflow`` names the run that it made."""
    argv = ["-C", str(store.root), "export", "--format", "mlflow"]

    assert main([*argv, "--tracking-uri", folder.address, "--experiment", "e"]) == 0

    assert runs_of(folder)[0].info.run_id in capsys.readouterr().out


def test_names_fit_and_none_is_lost() -> None:
    """Any name becomes one group and one name of plain characters, no two the same."""
    hostile = ["a:b", "a b:c", "x", "../../etc", "a[b=c].d", "a{b=c}.d", "/", "é/ü", "a/b/c"]
    hostile += ["k" * 300, "k" * 301, "..", "a/..", "CON", "a\nb", ""]

    named = tracking._fit_names(hostile)

    assert len(set(named.values())) == len(hostile)
    for made in named.values():
        assert re.fullmatch(r"[\w][\w.\- ]*/[\w][\w.\- ]*", made)
        assert len(made) <= 250
        assert ".." not in made.split("/")


def test_every_number_is_a_point(tmp_path: Path) -> None:
    """Guards, stages and curves give points; a curve has one for each of its rows."""
    hub = reports.write(tmp_path / "hubs", reports.red_record())
    record = read_record(hub)

    points = tracking.metrics(record, hub)

    values = {point.name: point.value for point in points}
    assert values["parity/relative_l2"] == record.metrics["parity:relative_l2"]
    assert values["stage selectors/tests passed"] == 5
    losses = [(p.step, p.value) for p in points if p.name == "history/train_loss"]
    assert [step for step, _ in losses] == list(range(10))
    assert losses[0][1] == 904.0


def test_without_the_library_it_is_said(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and the command that installs the extra."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", None)
    argv = ["-C", str(store.root), "export", "--format", "mlflow", "--tracking-uri", "runs"]

    assert main(argv) == 2

    assert "pip install 'ptycho-harness[mlflow]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--format", "mlflow"],
        ["--format", "mlflow", "--tracking-uri", "runs", "-o", "out"],
        ["--format", "bagit"],
        ["--format", "bagit", "-o", "out", "--experiment", "e"],
    ],
)
def test_options_of_another_format_are_refused(
    store: Store, words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing or misplaced option is a mistake of the caller, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    assert main(["-C", str(store.root), "export", *words]) == 2

    assert list(tmp_path.iterdir()) == []
