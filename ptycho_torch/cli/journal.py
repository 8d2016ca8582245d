"""The record of a run: ``run.json``, written whether it ends well or not."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ptycho_torch import files, provenance, run_folder
from ptycho_torch.cli import exits
from ptycho_torch.config_params import RunConfig

SCHEMA = 1
_UNTOUCHED = (2, 4)


class RunJournal:
    """Collects what ``run.json`` says and writes it when the run ends.

    A run that ends with bad input or an untrusted bundle leaves the folder as it was;
    every other run, failed ones included, leaves ``config.json`` and ``run.json``.

    Args:
        config: Settings of the run.
        argv: Arguments as given.
        is_writer: Whether this process is the one of the run that writes.
    """

    def __init__(
        self, config: RunConfig, argv: Sequence[str], *, is_writer: bool = True
    ) -> None:
        """Remember the settings; nothing is written yet."""
        self._config = config
        self._is_writer = is_writer
        self._argv = list(argv)
        self._datasets: list[dict[str, str]] = []
        self._warnings = _WarningCollector()
        self._has_begun = False
        self._started = _now()
        self._clock = time.monotonic()
        self.bundle_sha256: str | None = None
        self.extra: dict[str, Any] = {}

    def start_run(self) -> None:
        """Clear the folder of old evidence and write ``config.json``; once."""
        if self._is_writer and not self._has_begun:
            self._has_begun = True
            run_folder.start_run(self._config)

    def note_dataset(self, role: str, name: str, sha256: str) -> None:
        """Record a data file that was read."""
        self._datasets.append({"role": role, "name": name, "sha256": sha256})

    def __enter__(self) -> RunJournal:  # noqa: PYI034 - shape checks cannot read Self
        """Start to collect warnings."""
        logging.getLogger().addHandler(self._warnings)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write ``run.json``, unless the folder must stay untouched."""
        logging.getLogger().removeHandler(self._warnings)
        exit_code = 0 if error is None else exits.exit_code(error)
        if not self._is_writer or (exit_code in _UNTOUCHED and not self._has_begun):
            return
        self.start_run()
        text = None if error is None else exits.describe(error)
        files.write_json(self._path, self.record(exit_code, text))

    @property
    def _path(self) -> Path:
        return run_folder.folder_of(self._config) / run_folder.RUN

    def overrule(self, exit_code: int, error: str, *, has_begun: bool) -> None:
        """Write why a run of several processes failed, whatever its first one could know.

        What that process has recorded besides is kept.

        Args:
            exit_code: Exit code of the program.
            error: The cause, in one line.
            has_begun: Whether the first process has begun to write the folder.
        """
        if not self._is_writer or (exit_code in _UNTOUCHED and not has_begun):
            return
        if not has_begun:
            self.start_run()
        record = self.record(exit_code, error)
        if has_begun and self._path.is_file():
            stated = json.loads(self._path.read_text(encoding="utf-8"))
            fields = ("status", "exit_code", "error", "finished", "seconds")
            record = {**stated, **{name: record[name] for name in fields}}
        files.write_json(self._path, record)

    def record(self, exit_code: int, error: str | None) -> dict[str, Any]:
        """Return the content of ``run.json``."""
        commit, is_dirty = provenance.git_state()
        return {
            **self.extra,
            "schema": SCHEMA,
            "backend": self._config.execution.backend,
            "argv": self._argv,
            "status": "ok" if exit_code == 0 else "failed",
            "exit_code": exit_code,
            "error": error,
            "started": self._started,
            "finished": _now(),
            "seconds": round(time.monotonic() - self._clock, 3),
            "versions": {"python": provenance.python_version(), **provenance.libraries()},
            "git_commit": commit,
            "git_dirty": is_dirty,
            "datasets": self._datasets,
            "config_sha256": self._config.to_dict()["sha256"],
            "bundle_sha256": self.bundle_sha256,
            "seed": self._config.run.seed,
            "warnings": self._warnings.texts,
        }


class _WarningCollector(logging.Handler):
    """Keeps the warnings of a run, one line each."""

    def __init__(self) -> None:
        """Listen to warnings and worse."""
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.texts.append(" ".join(record.getMessage().split()))


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
