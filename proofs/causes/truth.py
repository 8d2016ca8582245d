"""Where a defect acts first, found without any guard: the first stage that left other files."""

from __future__ import annotations

import re
from pathlib import Path

from harness.evidence.hub import store
from harness.records import HubRecord

_RUN_ID = re.compile(rb"\d{8}T\d{6}Z-[0-9a-f]{6}")


class Truth:
    """What a run without a defect leaves; whatever differs between two of them says nothing."""

    def __init__(self, clean: Path, control: Path) -> None:
        """Read both hubs.

        Args:
            clean: A green run of the commit.
            control: One of a work tree in which a comment was changed: what it leaves differs
                where a file tells of the source that made it.
        """
        self._clean = _list_traces(clean)
        other = _list_traces(control)
        self._stable = {key for key, trace in self._clean.items() if other.get(key) == trace}

    def find_stage(self, hub: Path) -> str:
        """Return the first stage whose end, log or files are others; empty where none is."""
        traces = _list_traces(hub)
        for key in self._clean:
            if key in self._stable and traces.get(key) != self._clean[key]:
                return key[0]
        return ""


def _list_traces(hub: Path) -> dict[tuple[str, str], object]:
    """Return what each stage left, in the order of the stages."""
    record = store.read_record(hub)
    return {
        (stage.id, name): trace
        for stage in record.stages
        for name, trace in _traces_of(stage.id, record, hub).items()
    }


def _traces_of(stage: str, record: HubRecord, hub: Path) -> dict[str, object]:
    (run,) = [one for one in record.stages if one.id == stage]
    log = hub / (run.log or "")
    words = _RUN_ID.sub(b"", log.read_bytes()) if log.is_file() else b""
    files = {one.id: one.sha256 for one in record.artifacts if one.stage == stage}
    return {"outcome": run.outcome, "reason": run.reason, "log": words, **files}
