"""A hub in, a run of MLflow out: parameters, metrics with their curves, tags and files.

A hub is one run, found again by a tag: exporting it twice adds nothing, and an export that
broke off is completed. Names are made fit for MLflow, each in one group with one slash.
The library is the extra ``mlflow``, and is imported when a hub is exported.

Source: MLflow documentation, tracking (names, limits of a batch, system tags).
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import files
from harness.errors import ConfigError, StorageError
from harness.evidence.hub import inventory, layout, series
from harness.frozen import dataclass
from harness.records import HubRecord
from harness.sharing.export import copying
from harness.verdict import Verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN, MANIFEST, COMPLETE = "harness.run", "harness.manifest_sha256", "harness.complete"
_BATCH = 100  # parameters, tags and metrics of one call
_LONGEST_NAME, _LONGEST_PARAMETER, _LONGEST_TAG = 240, 500, 4000
_UNFIT = re.compile(r"[^\w.\- ]+")
_SERVED = re.compile(r"(?!file:)[a-z+]+://")
_TABLE_LIMIT = 4 << 20
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs are tracked: a store's address, and the experiment; empty is the suite."""

    address: str
    experiment: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric at a step."""

    name: str
    value: float
    step: int


def write(hub: Path, record: HubRecord, place: Place) -> str:
    """Track a hub and return the id of its run there.

    Raises:
        ConfigError: The extra is not installed, or another hub of this id is there.
        IntegrityError: The hub is not as it was sealed.
        StorageError: The store refused.
    """
    refusals = _library(place.address)
    from mlflow import MlflowClient  # noqa: PLC0415 - an extra

    try:
        client = MlflowClient(tracking_uri=place.address)
        with tempfile.TemporaryDirectory(prefix="harness-export-") as name:
            folder = Path(name) / "hub"
            listed = copying.copy(hub, folder)
            run = _find_or_begin_run(client, record, place, listed[inventory.MANIFEST])
            # The mark is set at last; without it an earlier export broke off and is filled up.
            if COMPLETE not in run.data.tags:
                _fill(client, run, record, folder)
    except refusals as error:
        raise StorageError(
            f"MLflow at {place.address}",
            found=" ".join(str(error).split())[:200],
            expected="a tracking store that can be written",
            remedy="Check --tracking-uri: a folder, sqlite:///FILE or a server's address.",
        ) from error
    return str(run.info.run_id)


def _library(address: str) -> tuple[type[Exception], ...]:
    """Make the library ready for a store and return the errors it refuses with.

    Nothing is reported to anybody else. Newer releases refuse plain folders unless told
    that they are meant.

    Raises:
        ConfigError: It is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    if not _SERVED.match(address):
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "harness export --format mlflow",
            found=f"no library {error.name}",
            expected="the extra mlflow",
            remedy="Run pip install 'ptycho-harness[mlflow]'.",
        ) from error
    return (MlflowException, SQLAlchemyError, OSError)


def _find_or_begin_run(
    client: MlflowClient, record: HubRecord, place: Place, manifest: str
) -> Run:
    """Find the run of a hub, or begin it.

    Raises:
        ConfigError: It was exported from other bytes.
    """
    experiment = _experiment(client, place, record.suite)
    runs = client.search_runs([experiment], f"tags.`{RUN}` = '{record.run_id}'", max_results=1)
    if not runs:
        return client.create_run(
            experiment,
            start_time=_milliseconds(record.started),
            run_name=record.run_id,
            tags={RUN: record.run_id, MANIFEST: manifest},
        )
    if runs[0].data.tags.get(MANIFEST) != manifest:
        raise ConfigError(
            f"MLflow run {runs[0].info.run_id}",
            found="the same run id, exported from other bytes",
            expected=f"manifest {manifest[:12]}…",
            remedy="Prove both hubs with harness verify; delete the run that is wrong.",
        )
    return runs[0]


def _experiment(client: MlflowClient, place: Place, suite: str) -> str:
    name = place.experiment or suite
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    location = None
    if place.address.startswith(_SQLITE):  # else files would go to the working folder
        database = Path(place.address.removeprefix(_SQLITE)).absolute()
        location = (
            database.parent / "mlartifacts" / files.sha256_bytes(name.encode())[:12]
        ).as_uri()
    return str(client.create_experiment(name, artifact_location=location))


def _fill(client: MlflowClient, run: Run, record: HubRecord, folder: Path) -> None:
    """Add to a run what it does not hold yet, and mark it complete at last."""
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - an extra

    id_, at = run.info.run_id, _milliseconds(record.finished)
    missing = parameters(record).items() - run.data.params.items()
    for part in _parts([Param(key, value) for key, value in sorted(missing)]):
        client.log_batch(id_, params=part)
    points = [
        Metric(point.name, point.value, at, point.step)
        for point in _missing_points(client, run, metrics(record, folder))
    ]
    for part in _parts(points):
        client.log_batch(id_, metrics=part)
    for part in _parts([RunTag(key, value) for key, value in tags(record, folder).items()]):
        client.log_batch(id_, tags=part)
    client.log_artifacts(id_, str(folder))
    client.set_terminated(id_, "FINISHED" if record.verdict is Verdict.GREEN else "FAILED", at)
    client.set_tag(id_, COMPLETE, "true")


def _missing_points(client: MlflowClient, run: Run, wanted: Iterable[Point]) -> Iterator[Point]:
    """Yield the points that a run does not hold."""
    known: dict[str, set[int]] = {}
    for point in wanted:
        if point.name not in known:
            held = point.name in run.data.metrics
            history = client.get_metric_history(run.info.run_id, point.name) if held else []
            known[point.name] = {metric.step for metric in history}
        if point.step not in known[point.name]:
            known[point.name].add(point.step)
            yield point


def parameters(record: HubRecord) -> dict[str, str]:
    """Return what shaped the run: parameters, datasets by digest, environment."""
    values = {f"parameter/{key}": value for key, value in record.parameters.items()}
    values |= {f"dataset/{d.role}": d.sha256 for d in record.datasets}
    values |= {f"environment/{key}": value for key, value in record.environment.items()}
    named = _fit_names(values)
    return {named[key]: value[:_LONGEST_PARAMETER] for key, value in values.items()}


def tags(record: HubRecord, folder: Path) -> dict[str, str]:
    """Return what identifies the run: source, verdict, digests; the summary is its note."""
    stamp, summary = record.stamp, folder / layout.SUMMARY
    note = summary.read_text("utf-8", errors="replace") if summary.is_file() else record.reason
    values = {
        "harness.suite": record.suite,
        "harness.verdict": record.verdict.value,
        "harness.reason": record.reason,
        "harness.dirty": str(stamp.dirty).lower(),
        "harness.tree": stamp.tree,
        "harness.config_sha256": record.config_sha256,
        "harness.golden_sha256": record.golden_sha256 or "none",
        "harness.inputs_sha256": record.inputs_sha256,
        "mlflow.source.git.commit": stamp.commit,
        "mlflow.source.git.branch": stamp.branch or "detached",
        "mlflow.source.name": f"harness run {record.suite}",
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": note,
    }
    return {key: value[:_LONGEST_TAG] for key, value in values.items()}


def metrics(record: HubRecord, folder: Path) -> tuple[Point, ...]:
    """Return numbers of the guards, of the stages, and every curve of a stored table.

    Args:
        record: The run.
        folder: A copy of its hub.
    """
    values: dict[str, list[tuple[int, float]]] = {}
    for name, value in record.metrics.items():
        values[name.replace("/", "_").replace(":", "/", 1)] = [(0, value)]
    for stage in record.stages:
        values[f"stage {stage.id}/duration_s"] = [(0, stage.duration_s)]
        if stage.peak_memory_bytes is not None:
            values[f"stage {stage.id}/peak_memory_bytes"] = [(0, stage.peak_memory_bytes)]
        for outcome, count in stage.tests.items():
            values[f"stage {stage.id}/tests {outcome}"] = [(0, count)]
    for artifact in record.artifacts:
        path = folder / artifact.path
        if artifact.external or path.suffix != ".csv":
            continue
        table = b""
        with contextlib.suppress(OSError):  # too large to be shown as curves
            table = files.read_bounded(path, _TABLE_LIMIT)
        for column in series.of_table(table.decode(errors="replace")):
            points = [(int(s), value) for s, value in column.points if math.isfinite(s)]
            values[f"{artifact.id}/{column.name.replace('/', '_')}"] = points
    named = _fit_names(values)
    return tuple(
        Point(named[name], float(value), step)
        for name, points in values.items()
        for step, value in points
    )


def _fit_names(names: Iterable[str]) -> dict[str, str]:
    """Make names fit: one group, one slash, plain characters; none is used twice."""
    fit: dict[str, str] = {}
    for name in sorted(names):
        group, _, rest = name.rpartition("/")
        parts = [_UNFIT.sub("_", part).strip("_. ") or "_" for part in (group or "run", rest)]
        made = "/".join(parts)[:_LONGEST_NAME].rstrip("./ ")
        # Two names that became alike are kept apart by the digest of what they were.
        if made in fit.values():
            made += "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
        fit[name] = made
    return fit


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _milliseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1000)
