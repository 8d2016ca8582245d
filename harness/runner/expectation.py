"""What a run may differ by: said on the command line, by the commit, or by nobody."""

from __future__ import annotations

from pathlib import Path

from harness.config.project import SuiteSpec
from harness.errors import ConfigError
from harness.evidence.hub import checkout
from harness.verdict import AnswerClass

KIND = "fingerprint"
TRAILER = "Answer"


def find_expectation(root: Path, suite: SuiteSpec, option: str) -> tuple[str, str]:
    """Return the class of answer that was declared for a run, and who declared it.

    The command line is heard first, then the trailer ``Answer:`` of the commit; the suite's own
    declaration stands in its guard. Suites without a fingerprint have nothing to expect.

    Raises:
        ConfigError: The trailer is no class, or there is nothing that could be held to it.
    """
    if not any(guard.kind == KIND for guard in suite.guards):
        if option:
            raise ConfigError(
                "--expect",
                found=f"suite {suite.name}, which has no fingerprint",
                expected="a suite with one",
                remedy="Leave it out, or declare [suites.NAME.fingerprint].",
            )
        return "", ""
    if option:
        return option, "--expect"
    form = f"--format=%H%n%(trailers:key={TRAILER},valueonly,separator=%x0A)"
    lines = (checkout.ask(root, "log", "-1", form) or b"").decode(errors="replace").split("\n")
    words = [line.strip().lower() for line in lines[1:] if line.strip()]
    if not words:
        return "", ""
    if words[-1] not in tuple(AnswerClass):
        raise ConfigError(
            f"trailer {TRAILER}: of commit {lines[0][:12]}",
            found=repr(words[-1][:60]),
            expected=f"one of {', '.join(AnswerClass)}",
            remedy="Amend the message, or say it with --expect.",
        )
    return words[-1], f"commit {lines[0]}"
