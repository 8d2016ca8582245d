"""Which cases make a whole, what of it was run by this source, and the figures of it.

``.harness/fuzz`` is a cache: it may be deleted at any time.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files
from proofs.fuzz.case import LIMIT_BYTES, LIMIT_S, Outcome

ROOT = Path(__file__).resolve().parents[2]
HEAD = """\
## Stores and repositories bent at random

`make fuzz` copies a small repository (three runs, a golden, a blocker, ledgers, a drill, a
store elsewhere), bends it in a way that a seed draws, and reads it by commands that are drawn
too, in a fork that an audit hook watches. Held means: a documented exit code and no internal
error, nothing opened, changed or started outside, no planted program run, one line for a
mistake, in time and memory. Root has no right there to overrule modes.

"""
FIGURES = Path(__file__).with_name("figures.json")
_FOLDER = ROOT / ".harness" / "fuzz"
_JUDGES = ("proofs/fuzz",)
_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What all batches gave together."""

    cases: int
    calls: int
    kinds: dict[str, int]
    commands: dict[str, int]
    codes: dict[str, int]
    problems: list[str]
    failed: int
    mended: int
    slowest_s: float
    peak_bytes: int

    @property
    def held(self) -> int:
        """Cases in which everything was as promised."""
        return self.cases - self.failed

    def write(self, wanted: int) -> None:
        """Keep the figures for the page, and how many cases were planned."""
        machine = (
            f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        )
        value = {"machine": machine, "wanted": wanted, **dataclasses.asdict(self)}
        FIGURES.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many cases there are, and how they are drawn."""

    count: int
    seed: int
    commands: int

    def numbers(self, batch: int) -> range:
        """Return the cases of a batch."""
        return range(batch * _SIZE, min(self.count, (batch + 1) * _SIZE))

    def missing(self) -> Iterator[int]:
        """Yield the batches that were not run by this source."""
        for batch in range(-(-self.count // _SIZE)):
            if not self._path(batch).is_file():
                yield batch

    def failed(self) -> dict[int, list[int]]:
        """Return the cases that did not hold, by batch."""
        failed: dict[int, list[int]] = {}
        for batch in range(-(-self.count // _SIZE)):
            for one in self._read(batch):
                if one["problems"]:
                    failed.setdefault(batch, []).append(one["number"])
        return failed

    def replace(self, batch: int, outcomes: Sequence[Outcome]) -> None:
        """Put what cases gave when they were run again in the place of what they gave first."""
        again = {outcome.number: dataclasses.asdict(outcome) for outcome in outcomes}
        listed = [again.get(one["number"], one) for one in self._read(batch)]
        for one in listed:
            if one["number"] in again:
                one["was_mended"] = True
        files.write_bytes(self._path(batch), files.json_bytes(listed))

    def _read(self, batch: int) -> list[dict[str, Any]]:
        path = self._path(batch)
        return json.loads(path.read_bytes()) if path.is_file() else []

    def keep(self, batch: int, outcomes: Sequence[Outcome]) -> None:
        """Keep what a batch gave."""
        listed = [dataclasses.asdict(outcome) for outcome in outcomes]
        self._path(batch).parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(self._path(batch), files.json_bytes(listed))

    def total(self) -> Total:
        """Add up what was run."""
        batches = range(-(-self.count // _SIZE))
        cases = [one for batch in batches for one in self._read(batch)]
        failed = [one for one in cases if one["problems"]]
        return Total(
            cases=len(cases),
            calls=sum(len(one["codes"]) for one in cases),
            kinds=dict(Counter(one["kind"] for one in cases)),
            commands=dict(Counter(name for one in cases for name in one["codes"])),
            codes=dict(Counter(str(code) for one in cases for code in one["codes"].values())),
            problems=[
                f"case {one['number']}, {one['kind']}, {one['done']}: {problem}"
                for one in failed
                for problem in one["problems"]
            ],
            failed=len(failed),
            mended=sum(one.get("was_mended", False) for one in cases),
            slowest_s=max((one["slowest_s"] for one in cases), default=0.0),
            peak_bytes=max((one["peak_bytes"] for one in cases), default=0),
        )

    def _path(self, batch: int) -> Path:
        name = f"{_source()}-{self.seed}-{self.commands}"
        return _FOLDER / name / f"{batch:04}.json"


def _source() -> str:
    """Digest what bends and judges; what is judged may be mended from batch to batch."""
    paths = sorted(path for top in _JUDGES for path in (ROOT / top).rglob("*.py"))
    parts = [f"{path.relative_to(ROOT)} {files.sha256_file(path)}" for path in paths]
    return files.sha256_bytes("\n".join(parts).encode())[:16]


def rows() -> str:
    """Write the figures of the last whole run for the page."""
    total: dict[str, Any] = json.loads(FIGURES.read_text("utf-8"))
    lines = ["| mutations | cases |", "|---|---:|"]
    lines += [f"| {kind} | {count:,} |" for kind, count in sorted(total["kinds"].items())]
    wanted = total["wanted"]
    part = "" if total["cases"] == wanted else f" of {wanted:,} that are planned"
    calls, held = total["commands"], total["cases"] - total["failed"]
    sentence = (
        f"{total['cases']:,} cases{part}, {total['calls']:,} calls of {len(calls)} reading"
        f" commands, each on at least {min(calls.values()):,} bent stores; in {held:,} cases"
        f" everything held, in {total['mended']} of them only after what they met was mended."
        f" The slowest call took {total['slowest_s']:.1f} s (bound {LIMIT_S:.0f}), the largest"
        f" process {total['peak_bytes'] / 1e6:.0f} MB (bound {LIMIT_BYTES / 1e6:.0f})."
        f" {total['machine']}."
    )
    return "\n".join([*lines, f"| **all** | {total['cases']:,} |", "", sentence])
