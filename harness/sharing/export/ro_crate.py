"""A hub in, a research object out: the files with a description of the run that made them.

Source: RO-Crate 1.2 (root data entity, file entities, profiles, software) and the Process Run
Crate profile 0.5 (CreateAction with instrument, object, result, agent; times with an offset).
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness import __version__, files
from harness.evidence.hub import inventory
from harness.records import HubRecord
from harness.sharing.export import copying
from harness.verdict import Verdict

METADATA = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.2"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_SAID = {
    "green": "Evidence of what passed.",
    "cli": "Output of a stage.",
    "analysis": "What stages left, and what was taken from it.",
    "red": "Evidence of what failed.",
    "plan": "What was going to run, written before the first stage.",
    "record": "Record of the run.",
}


def write(hub: Path, record: HubRecord, target: Path) -> Path:
    """Write the folder of a crate that holds the hub.

    Raises:
        ConfigError: The target exists.
        IntegrityError: The hub is not as it was sealed.
        StorageError: The disk refused.
    """
    with copying.folder(target) as crate:
        listed = copying.copy(hub, crate)
        sizes = {name: (crate / name).stat().st_size for name in listed}
        graph = _graph(record, listed, sizes)
        content = {"@context": [f"{_SPECIFICATION}/context", _TERMS], "@graph": graph}
        files.write_bytes(crate / METADATA, files.json_bytes(content))
    return target


def _graph(
    record: HubRecord, listed: dict[str, str], sizes: dict[str, int]
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
        _action(record, names, [each["@id"] for each in data]),
        {
            "@id": "#harness",
            "@type": "SoftwareApplication",
            "name": "ptycho-harness",
            "version": __version__,
            "url": "https://example.org/ptycho-harness",
        },
        {"@id": "#person", "@type": "Person", "name": "whoever ran the suite"},
        *data,
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
        "hasPart": [{"@id": name} for name in names],
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
        "instrument": {"@id": "#harness"},
        "actionStatus": f"http://schema.org/{ended}ActionStatus",
        "object": [{"@id": name} for name in data],
        "result": [{"@id": name} for name in names],
    }
    if record.verdict is Verdict.RED:
        action["error"] = record.reason[:400]
    return action


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


def _file(name: str, sha256: str, size: int) -> dict[str, Any]:
    kind = mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "description": _SAID.get(inventory.group_of(name), "Part of the evidence."),
        "contentSize": str(size),
        "encodingFormat": kind,
        "identifier": f"sha256:{sha256}",
    }
