"""Parsers of what the harness keeps for itself, and of what a report draws from artifacts.

A cache may be deleted, cut or written by anybody; an artifact is what a stage left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.config.project import Project, ReportSpec
from harness.evidence.hub import inputs, metrics_cache
from harness.evidence.ledger import canonical, history, lock, log
from harness.experiments.bisect import verdict_cache
from harness.experiments.calibration import runs as calibration_runs
from harness.experiments.drills import outcome_cache as drill_memory
from harness.judgement.proof_cache import ProofCache
from harness.reporting import changes, rings, text, view
from harness.reporting.website import page_cache

Parser = Callable[[Path, bytes], object]
_REPORT = ReportSpec(rings="frc")
_ENTRY = log.Entry(
    sequence=0, time="", kind="note", subject="x", body={}, previous="0" * 64, leaf="0" * 64
)


def put(folder: Path, name: str, content: bytes) -> Path:
    """Write a file below a folder and return the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return folder


def _project(root: Path) -> Project:
    places = {"hubs": root / "hubs", "golden": root / "golden", "work": root / ".harness"}
    return Project(root=root, name="x", suites={}, policies={}, config_sha256="", **places)


def _merge(_folder: Path, content: bytes) -> object:
    body = canonical.loads(content)
    value = body if isinstance(body, dict) else {"base": 1, "size": 3, "order": body}
    entries = [_ENTRY, _ENTRY, log.chain_entry(_ENTRY, None)]
    merge = log.Entry(
        sequence=2, time="", kind="merge", subject="ledger", body=value, previous="", leaf=""
    )
    return list(history.branches([*entries, merge, _ENTRY]))


def _drill(folder: Path, content: bytes) -> object:
    return drill_memory.read(_project(put(folder, ".harness/drills/a.json", content)), "a")


def _calibration(folder: Path, content: bytes) -> object:
    project = _project(folder)
    path = calibration_runs._list_path(project, "tiny")
    put(path.parent, path.name, content)
    return calibration_runs._read_runs(project, "tiny")


def _proofs(folder: Path, content: bytes) -> object:
    proved = ProofCache(_project(put(folder, ".harness/cache/proved.json", content)))
    return proved.save()


CACHES: Mapping[str, Parser] = {
    "merge entry": _merge,
    "cache of hubs": lambda f, c: metrics_cache._read(put(f, "c.json", c) / "c.json"),
    "cache of digests": lambda f, c: inputs._read_cache(put(f, "c.json", c) / "c.json"),
    "cache of a bisection": lambda f, c: verdict_cache.read_cache(
        put(f, "c.json", c) / "c.json"
    ),
    "cache of drills": _drill,
    "list of calibration runs": _calibration,
    "cache of proofs": _proofs,
    "memory of a site": lambda f, c: page_cache.read_cache(put(f, page_cache.FILE, c)),
    "owner of a lock": lambda f, c: lock._holder(put(f, "l.lock", c) / "l.lock"),
    "inputs of a plan": lambda f, c: changes.inputs_of(put(f, "plan/plan.json", c)),
    "drawn table": lambda _, c: view._charts_of(c.decode(errors="replace"), _REPORT),
    "drawn rings": lambda _, c: rings.chart(c, _REPORT),
    "text of a blocker": lambda _, c: view.note("B-1.md", c.decode(errors="replace")),
    "text on a terminal": lambda _, c: text.visible(c.decode(errors="replace")),
}

SEEDS = (
    b'{"base":1,"size":3,"added":1,"root":"00","order":[[0,2],[4,1]]}',
    b'{"base":0,"size":9007199254740992,"added":1,"order":[[0,4],[0,4],[0,4]]}',
    b'{"schema":1,"hubs":{"tiny/a":{"file":[1,2,3,4,5],"numbers":{"x":0.5}}}}',
    b'{"schema":1,"files":{"a.py":[1,2,3,4,5,"00"]},"seen":{"00":{"verdict":"green"}}}',
    b'{"schema":1,"rows":[{}],"pages":{"a.html":"00"},"renderer":"00"}',
    b'{"hubs":[["1","tiny/a"]],"repeat":["1","tiny/b"],"waiting":[["2","tiny/c",false]]}',
    b'{"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}',
    b'{"pid":12,"boot":"b","start":"3"}',
    b'{"pid":1e999,"boot":[],"start":null}',
    b'{"inputs":{"a.py":"00"}}',
    b'{"frc":{"freq":[0.1,0.2,0.3],"curve":[1,0.5,0.1],"n":[3,1e300,-4],"f_halfbit":0.2}}',
    b"epoch,train_loss,val_loss\n1,0.5,0.6\n2,0.25,nan\n3,1e999,\n",
    b"\n\nstep\n1\n",
    b"[" * 20_000,
    b'{"schema":' * 20_000,
)
