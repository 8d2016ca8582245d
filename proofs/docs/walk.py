"""Walks through a page: types its commands in their order, in the folder that is set for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proofs.docs import answers, page_text, plan, steps
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
    def problem(self) -> str:
        """The command and what it wrote, where its exit code is not the stated one."""
        if self.code == self.step.code:
            return ""
        output = "\n".join(self.lines[-12:])
        return f"$ {self.step.command}\nexit code {self.code}, not {self.step.code}\n{output}"

    @property
    def renewed(self) -> tuple[str, ...] | str:
        """The output that the page should show, or the shown line that was not written."""
        if self.step.output is None:
            return ()
        agreed = answers.agree(self.step.output, self.lines)
        return agreed if isinstance(agreed, tuple) else f"$ {self.step.command}\n{agreed}"

    @property
    def wrong(self) -> str:
        """What differs from the page, exit code first; nothing where it agrees."""
        return self.problem or (self.renewed if isinstance(self.renewed, str) else "")


def is_typed(step: Step) -> bool:
    """Say whether a command of a page is typed here, and not elsewhere."""
    is_help = step.page in plan.HELP and step.command.endswith("--help")
    return not is_help and step.command not in plan.COMMANDS


def page(name: str, prepare: plan.Setup, folder: Path, *, limit_s: float = 60.0) -> list[Typed]:
    """Type every command of a page; the first one that goes wrong ends it."""
    place = prepare(folder / "place")
    published = folder / "published" / "project"
    reader = Reader(
        folder / "home",
        place,
        published if published.is_dir() else page_text.ROOT,
        limit_s,
        list(dict.fromkeys(RUN_ID.findall((page_text.ROOT / name).read_text("utf-8")))),
    )
    done: list[Typed] = []
    for step in filter(is_typed, steps.of(page_text.ROOT / name)):
        if step.command in plan.BEFORE:
            plan.BEFORE[step.command](reader.place)
        done.append(Typed(step, *reader.type(step, plan.SHORTENED.get(step.command, ""))))
        if done[-1].problem:
            break
    return done
