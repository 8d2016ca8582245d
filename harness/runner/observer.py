"""Who watches a run: told what happens, in order, and never able to change it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness.config.project import StageSpec, SuiteSpec
from harness.records import GuardResult, HubRecord, StageRecord


class Observer(Protocol):
    """Callbacks of one run; text is already redacted and free of terminal control."""

    def run_started(self, suite: SuiteSpec, run_id: str, stages: int) -> None:
        """Say that a run begins, with the number of its stages."""

    def note(self, text: str) -> None:
        """Say what the harness is doing outside a stage, for example making a dataset."""

    def stage_started(self, stage: StageSpec, index: int, count: int) -> None:
        """Say that a stage begins; ``index`` counts from 1."""

    def log_line(self, stage: str, line: str) -> None:
        """Pass on one line of a stage's output, without its newline."""

    def stage_finished(self, record: StageRecord) -> None:
        """Say how a stage went."""

    def guard_judged(self, result: GuardResult) -> None:
        """Say what a guard found."""

    def run_sealed(self, hub: Path, record: HubRecord) -> None:
        """Say where the sealed evidence is."""


class Silent:
    """An observer that says nothing."""

    def run_started(self, suite: SuiteSpec, run_id: str, stages: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def stage_started(self, stage: StageSpec, index: int, count: int) -> None:
        """Say nothing."""

    def log_line(self, stage: str, line: str) -> None:
        """Say nothing."""

    def stage_finished(self, record: StageRecord) -> None:
        """Say nothing."""

    def guard_judged(self, result: GuardResult) -> None:
        """Say nothing."""

    def run_sealed(self, hub: Path, record: HubRecord) -> None:
        """Say nothing."""
