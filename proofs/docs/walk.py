"""Walks through a page: types its commands in their order, in the folder that is set for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proofs.docs import answers, plan, shown, steps
from proofs.docs.reader import Reader
from proofs.docs.steps import RUN_ID, Step

LONG_S = 3600.0


@dataclass(frozen=True, slots=True)
class Typed:
    """One command that was typed.

    Attributes:
        step: What the page shows.
        code: Exit code.
        lines: What was written.
    """

    step: Step
    code: int
    lines: list[str]

    @property
    def trouble(self) -> str:
        """The command and what it wrote, where its exit code is not the stated one."""
        if self.code == self.step.code:
            return ""
        told = "\n".join(self.lines[-12:])
        return f"$ {self.step.command}\nexit code {self.code}, not {self.step.code}\n{told}"

    @property
    def renewed(self) -> tuple[str, ...] | str:
        """The output that the page should show, or the shown line that was not written."""
        if self.step.output is None:
            return ()
        found = answers.agree(self.step.output, self.lines)
        return found if isinstance(found, tuple) else f"$ {self.step.command}\n{found}"

    @property
    def wrong(self) -> str:
        """What differs from the page, exit code first; nothing where it agrees."""
        return self.trouble or (self.renewed if isinstance(self.renewed, str) else "")


def is_typed(step: Step) -> bool:
    """Say whether a command of a page is typed here, and not elsewhere."""
    is_help = step.page in plan.HELP and step.command.endswith("--help")
    return not is_help and step.command not in plan.COMMANDS


def page(name: str, scene: plan.Scene, folder: Path, *, limit_s: float = 60.0) -> list[Typed]:
    """Type every command of a page; the first one that goes wrong ends it."""
    place = scene(folder / "place")
    published = folder / "published" / "project"
    reader = Reader(
        folder / "home",
        place,
        published if published.is_dir() else shown.ROOT,
        limit_s,
        list(dict.fromkeys(RUN_ID.findall((shown.ROOT / name).read_text("utf-8")))),
    )
    done: list[Typed] = []
    for step in filter(is_typed, steps.of(shown.ROOT / name)):
        if step.command in plan.BEFORE:
            plan.BEFORE[step.command](reader.place)
        done.append(Typed(step, *reader.type(step, plan.SHORTENED.get(step.command, ""))))
        if done[-1].trouble:
            break
    return done
