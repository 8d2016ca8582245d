"""Which numbers of what a command wrote are worth a guard: a few with telling names."""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.files import sha256_file
from harness.frozen import dataclass
from harness.judgement.guards import metrics, paths, patterns
from harness.judgement.guards.readers import catalogue
from harness.records import ArtifactRecord

_MOST = 6
_MOST_LOOKED_AT = 400
_LARGEST = 16 << 20
_DEEPEST = 6
# What a number should be called to be judged, in the order of the choice; and what never is.
_TELLING = (
    *("loss", "error", "rmse", "mse", "mae", "nll", "acc", "score", "psnr", "ssim"),
    *("f1", "auc", "r2", "chi", "residual", "norm", "mean", "std", "var"),
)
_TIMES = ("time", "timestamp", "date", "duration", "seconds")
_IDLE = frozenset({"epoch", "step", "seed", "version", "lr", *_TIMES})
_SPOKEN = re.compile(
    r"(?P<name>[A-Za-z][\w./-]{0,40}(?: [A-Za-z][\w./-]{0,40})?)(?P<mark> ?[=:] ?)"
    r"(?P<number>[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)"
)
_NUMBER = r"([-+.0-9eE]+)"
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number, its path expression and aggregate, and the id that a guard of it gets."""

    id: str
    metric: str
    aggregate: str
    value: float


def is_readable(path: str) -> bool:
    """Say whether metrics can be taken from a file of this name."""
    reader = catalogue.find_reader(path)
    if reader is None:
        return catalogue.find_ending(path) == "json"
    return catalogue.is_installed(reader)


def find_numbers(artifacts: Mapping[str, Path], stage: str, log: str) -> tuple[Number, ...]:
    """Choose numbers from files, by artifact id, or from the log where no file holds any.

    Zero has no decade around it and is left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        evidence = _copy(artifacts, Path(folder))
        numbers = [n for id_ in evidence.artifacts for n in _list_numbers(evidence, id_)]
    ranked = sorted(numbers or _search_log(stage, log), key=_rank)
    chosen: dict[str, Number] = {}
    for number in ranked:
        if _rank(number) <= len(_TELLING):
            chosen.setdefault(number.id, number)
    return tuple(chosen.values())[:_MOST]


def _copy(artifacts: Mapping[str, Path], folder: Path) -> HubEvidence:
    records = []
    for id_, path in artifacts.items():
        if is_readable(path.name) and path.stat().st_size <= _LARGEST:
            place = f"{id_}/{path.name}"
            (folder / id_).mkdir()
            shutil.copyfile(path, folder / place)
            record = ArtifactRecord(
                id=id_,
                stage="command",
                path=place,
                sha256=sha256_file(path),
                size=path.stat().st_size,
                external=False,
                fresh=True,
            )
            records.append(record)
    facts = Facts(stages=(), artifacts=tuple(records), datasets=(), environment={})
    return HubEvidence(folder, facts, project=folder)


def _list_numbers(evidence: HubEvidence, artifact: str) -> Iterator[Number]:
    try:
        root = metrics.read_root(evidence, artifact)
    except HarnessError:
        return  # not of the format that its name says: nothing to propose
    for count, (path, aggregate) in enumerate(_walk(root, "", 0)):
        if count >= _MOST_LOOKED_AT:
            return
        expression = f"{artifact}:{path}"
        try:
            value = metrics.select(evidence, expression, aggregate or None)
        except HarnessError:
            continue  # a name that no path can hold, or a column of words
        if math.isfinite(value) and value:
            id_ = "-".join(_WORD.findall(path.lower()))
            yield Number(id=id_, metric=expression, aggregate=aggregate, value=value)


def _walk(node: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield path and aggregate of each number below a node; of rows the last counts."""
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for name, item in node.items():
            step = name if re.fullmatch(r"[^.\[\],=\"]+", name) else f'["{name}"]'
            joined = f"{path}.{step}" if path and step == name else f"{path}{step}"
            yield from _walk(item, joined, depth + 1)
    elif isinstance(node, list) and node and all(isinstance(row, dict) for row in node):
        for column in {name: None for row in node[:9] for name in row}:
            yield (f"{path}[*].{column}" if path else column), "last"
    elif isinstance(node, int | float) and not isinstance(node, bool) and path:
        yield path, ""


def _search_log(stage: str, log: str) -> Iterator[Number]:
    """Take numbers from what was printed, as in ``val loss = 0.25``; the last one counts."""
    last = {(m["name"], m["mark"]): m["number"] for m in _SPOKEN.finditer(log)}
    for (name, mark), text in last.items():
        pattern = f"{re.escape(name)}{mark}{_NUMBER}"
        if not patterns.find_fault(pattern) and float(text) and math.isfinite(float(text)):
            yield Number(
                id="-".join(_WORD.findall(name.lower())),
                metric=f"{paths.LOG}:{stage}:{pattern}",
                aggregate="last",
                value=float(text),
            )


def _rank(number: Number) -> int:
    """Order numbers by how telling their name is; those of time and place come last."""
    words = _WORD.findall(number.id)
    if not words or words[-1] in _IDLE:
        return len(_TELLING) + 1
    places = [i for i, word in enumerate(_TELLING) if any(w.startswith(word) for w in words)]
    return min(places, default=len(_TELLING))
