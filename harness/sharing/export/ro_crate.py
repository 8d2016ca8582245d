"""A hub in, a research object out: the files with a description of the run that made them.

The models of the run are in the crate where they still lie as the run left them, and else
described by their digests.

Source: RO-Crate 1.2 (root data entity, file entities, profiles, software) and the Process Run
Crate profile 0.5 (CreateAction with instrument, object, result, agent; times with an offset).
"""

from __future__ import annotations

import mimetypes
import shutil
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from harness import __version__, files
from harness.config.project import Project
from harness.errors import IntegrityError
from harness.evidence.hub import digest, inventory, models
from harness.records import ArtifactRecord, HubRecord
from harness.sharing.export import copying
from harness.sharing.export.statement import URN
from harness.verdict import Verdict

METADATA = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.2"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
# A URN and no address: what the program is called, wherever it was had from.
_PROGRAM = f"{URN}:program:{__version__}"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_MODELS = "models"  # folder of the crate; a hub has none of that name
_SAID = {
    "green": "Evidence of what passed.",
    "cli": "Output of a stage.",
    "analysis": "What stages left, and what was taken from it.",
    "red": "Evidence of what failed.",
    "plan": "What was going to run, written before the first stage.",
    "record": "Record of the run.",
}


def write(hub: Path, record: HubRecord, target: Path, project: Project | None = None) -> Path:
    """Write the folder of a crate that holds the hub, and the models that the run left.

    Args:
        hub: The folder of the hub.
        record: Its record.
        target: The folder to be made.
        project: Where the models outside of the hub lie; without it they are described only.

    Raises:
        ConfigError: The target exists.
        IntegrityError: The hub is not as it was sealed.
        StorageError: The disk refused.
    """
    with copying.folder(target) as crate:
        listed = copying.copy(hub, crate)
        outside = [model for model in models.list_models(record) if model.external]
        absent = []
        for model in outside:
            name = f"{_MODELS}/{model.sha256[:12]}/{PurePosixPath(model.path).name}"
            if project is not None and _take(project.root / model.path, crate / name, model):
                listed[name] = model.sha256
            else:
                absent.append(_absent_model(model))
        sizes = {name: (crate / name).stat().st_size for name in listed}
        graph = _graph(record, listed, sizes, absent)
        content = {"@context": [f"{_SPECIFICATION}/context", _TERMS], "@graph": graph}
        files.write_bytes(crate / METADATA, files.json_bytes(content))
    return target


def _take(source: Path, target: Path, model: ArtifactRecord) -> bool:
    """Copy a model into the crate; say whether it was there as the run left it.

    Raises:
        StorageError: The disk refused.
    """
    try:
        if digest.sha256(source, model.size) != model.sha256:
            return False
    except IntegrityError:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)
    # The copy is what counts: the file may have changed between the two looks.
    if digest.sha256(target) == model.sha256:
        return True
    shutil.rmtree(target.parent)
    return False


def _absent_model(model: ArtifactRecord) -> dict[str, Any]:
    return {
        "@id": f"#model-{model.sha256[:12]}",
        "@type": "CreativeWork",
        "name": PurePosixPath(model.path).name,
        "description": f"The model {model.id}, {model.size} bytes, which lies elsewhere.",
        "identifier": f"sha256:{model.sha256}",
    }


def _graph(
    record: HubRecord,
    listed: dict[str, str],
    sizes: dict[str, int],
    absent: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    names = [quote(name) for name in listed]
    data = [_dataset(d.role, d.name, d.sha256) for d in record.datasets]
    return [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _SPECIFICATION},
            "about": {"@id": "./"},
        },
        _root(record, names),
        {
            "@id": _PROFILE,
            "@type": ["CreativeWork", "Profile"],
            "name": "Process Run Crate",
            "version": "0.5",
        },
        {
            "@id": _LICENCE,
            "@type": "CreativeWork",
            "name": "BSD 3-Clause",
            "description": "Use and copies with the notice kept, without warranty.",
            "url": _LICENCE,
        },
        _action(
            record,
            [*names, *(each["@id"] for each in absent)],
            [each["@id"] for each in data],
        ),
        {
            "@id": _PROGRAM,
            "@type": "SoftwareApplication",
            "name": "ptycho-harness",
            "version": __version__,
            "url": _PROGRAM,
        },
        {"@id": "#person", "@type": "Person", "name": "whoever ran the suite"},
        *data,
        *absent,
        *(_file(name, sha, sizes[name]) for name, sha in listed.items()),
    ]


def _root(record: HubRecord, names: list[str]) -> dict[str, Any]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Evidence of {record.suite} {record.run_id}",
        "description": f"Hub of one run; verdict {record.verdict.value}: {record.reason}"[:400],
        "datePublished": _time(record.finished),
        "publisher": {"@id": "#person"},
        "license": {"@id": _LICENCE},
        "conformsTo": {"@id": _PROFILE},
        "mentions": {"@id": "#run"},
        "hasPart": _refer(names),
    }


def _action(record: HubRecord, names: list[str], data: list[str]) -> dict[str, Any]:
    ended = "Failed" if record.verdict is Verdict.RED else "Completed"
    action: dict[str, Any] = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run of suite {record.suite}",
        "description": record.reason[:400],
        "startTime": _time(record.started),
        "endTime": _time(record.finished),
        "agent": {"@id": "#person"},
        "instrument": {"@id": _PROGRAM},
        "actionStatus": f"http://schema.org/{ended}ActionStatus",
        "object": _refer(data),
        "result": _refer(names),
    }
    if record.verdict is Verdict.RED:
        action["error"] = record.reason[:400]
    return action


def _refer(names: list[str]) -> list[dict[str, str]] | dict[str, str]:
    """Refer to entities; one alone is no list, as RO-Crate recommends."""
    references = [{"@id": name} for name in names]
    return references[0] if len(references) == 1 else references


def _time(moment: str) -> str:
    """Write an RFC 3339 time with a numeric offset, the form that the profile asks for."""
    return f"{moment.removesuffix('Z')}+00:00" if moment.endswith("Z") else moment


def _dataset(role: str, name: str, sha256: str) -> dict[str, Any]:
    return {
        "@id": f"#dataset-{quote(role)}",
        "@type": "CreativeWork",
        "name": name,
        "identifier": f"sha256:{sha256}",
    }


def _describe(name: str) -> str:
    if name.startswith(f"{_MODELS}/"):
        return "A model as the run left it; the hub knows it by its digest."
    return _SAID.get(inventory.group_of(name), "Part of the evidence.")


def _file(name: str, sha256: str, size: int) -> dict[str, Any]:
    kind = mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "description": _describe(name),
        "contentSize": str(size),
        "encodingFormat": kind,
        "identifier": f"sha256:{sha256}",
    }
