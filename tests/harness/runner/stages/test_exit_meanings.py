"""Every exit code of a stage and what it means: 0 alone is a pass."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.config.project import StageSpec
from harness.runner.stages import child, pytest_run
from harness.runner.stages.base import StageContext, StageResult
from harness.runner.stages.command import CommandStage
from harness.verdict import Verdict

RED, GREEN, OPEN = Verdict.RED, Verdict.GREEN, Verdict.INCONCLUSIVE
# Who ends so. None is a pass, not even where its program means something mild by it.
MEANINGS = {
    1: "a program that failed; ptycho_torch: the run failed, parity: the patches differ",
    2: "wrong usage, of most programs; ptycho_torch: bad input",
    3: "pytest broke; harness: inconclusive",
    4: "pytest was misused; ptycho_torch: a bundle that is damaged or not trusted",
    5: "pytest collected no test",
    6: "an internal error of a harness in a harness",
    10: "no project",
    11: "a lock that was not had",
    64: "wrong usage, by sysexits.h",
    75: "try again later, by sysexits.h",
    77: "a test that was skipped, by automake",
    99: "a hard error, by automake",
    124: "timeout(1) ended it",
    125: "timeout(1) or git bisect could not run it",
    126: "the shell could not run it",
    127: "the shell knows no such program",
    128: "git failed",
    129: "a shell whose program a hangup ended",
    130: "interrupted, as Python and shells say it",
    134: "a shell whose program aborted",
    137: "a shell whose program was killed, by the kernel for its memory for instance",
    139: "a shell whose program crashed",
    141: "a shell whose reader had gone",
    143: "a shell whose program was terminated",
    255: "ssh failed, or -1",
}
SIGNALS = ("HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "USR1", "SEGV", "PIPE", "ALRM")
SIGNALS += ("TERM", "XCPU", "XFSZ")


@pytest.fixture
def context(tmp_path: Path) -> Iterator[StageContext]:
    """A place where stages may run."""
    for name in ("work", "cli"):
        (tmp_path / name).mkdir()
    stop = child.Stop()
    yield StageContext(
        root=tmp_path,
        work=tmp_path / "work",
        hub=tmp_path,
        values={},
        environment=dict(os.environ),
        clean=bytes,
        clean_xml=bytes,
        overlap=0,
        stop=stop,
        on_line=lambda _stage, _line: None,
        grace_s=0.2,
    )
    stop.close()


def run(context: StageContext, *argv: str, timeout_s: float = 20.0) -> StageResult:
    """Run a command as a stage."""
    spec = StageSpec(id="stage", kind="command", argv=argv, timeout_s=timeout_s)
    return CommandStage().run(spec, context)


def test_nothing_but_zero_passes(context: StageContext) -> None:
    """Exit code 0 passes."""
    judged = run(context, "sh", "-c", "echo done; exit 0")

    assert (judged.outcome, judged.verdict, judged.exit.exit_code) == ("passed", GREEN, 0)


@pytest.mark.parametrize("code", MEANINGS, ids=lambda code: f"{code}")
def test_every_other_code_is_red(context: StageContext, code: int) -> None:
    """The stage failed, is red, and says its code and its last line."""
    judged = run(context, "sh", "-c", f"echo last words; exit {code}")

    assert (judged.outcome, judged.verdict) == ("failed", RED), MEANINGS[code]
    assert judged.exit.exit_code == code
    assert judged.reason == f"exit code {code}: last words"


@contextlib.contextmanager
def not_ignored(number: signal.Signals) -> Iterator[None]:
    """Have children die of a signal that whoever started the tests, as nohup does, ignores."""
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
    yield
    if before is signal.SIG_IGN:
        signal.signal(number, before)


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_is_red(context: StageContext, name: str) -> None:
    """A program that a signal ended has failed, by itself and below a shell."""
    number = signal.Signals[f"SIG{name}"]

    with not_ignored(number):
        alone = run(context, "sh", "-c", f"ulimit -c 0; kill -{name} $$")
        below = run(context, "sh", "-c", f"ulimit -c 0; sh -c 'kill -{name} $$'; exit $?")

    assert (alone.outcome, alone.verdict) == ("failed", RED)
    assert (alone.exit.exit_code, alone.reason) == (
        -number,
        f"ended by signal {number.value} ({number.name})",
    )
    assert (below.outcome, below.verdict, below.exit.exit_code) == ("failed", RED, 128 + number)


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (("no-such-program-here",), "could not be started"),
        (("./notes",), "could not be started"),
        (("/",), "could not be started"),
        (("sh", "-c", "no-such-program-here"), "exit code 127"),
        (("sh", "-c", "./notes"), "exit code 126"),
        (("timeout", "0.1", "sleep", "5"), "exit code 124"),
    ],
)
def test_a_program_that_never_ran_is_red(
    context: StageContext, argv: tuple[str, ...], word: str
) -> None:
    """Not there, not executable, a folder, or ended before its time."""
    (context.root / "notes").write_text("no program")

    judged = run(context, *argv)

    assert (judged.outcome, judged.verdict) == ("failed", RED)
    assert word in judged.reason


def test_too_long_is_red_whatever_it_says(context: StageContext) -> None:
    """A program that ends with 0 when it is told to end did not come to its own end."""
    judged = run(context, "sh", "-c", "trap 'exit 0' TERM; sleep 5 & wait", timeout_s=0.3)

    assert (judged.outcome, judged.verdict) == ("timeout", RED)


@pytest.mark.parametrize("trap", ["exit 0", "exit 143", "exit 1", "kill -9 $$"])
def test_told_to_stop_proves_nothing(context: StageContext, trap: str) -> None:
    """However a program answers to the end of its run, it is neither green nor red."""
    context.stop.request(signal.SIGTERM)

    judged = run(context, "sh", "-c", f"trap '{trap}' TERM; sleep 5 & wait")

    assert (judged.outcome, judged.verdict) == ("interrupted", OPEN)


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("OSError: [Errno 28] No space left on device", "interrupted"),
        ("ValueError: no such space", "failed"),
    ],
)
def test_a_full_disk_is_no_defect(context: StageContext, line: str, outcome: str) -> None:
    """What the machine refused says nothing of the program; code 0 passes all the same."""
    failed = run(context, "sh", "-c", f"echo '{line}'; exit 1")
    passed = run(context, "sh", "-c", f"echo '{line}'; exit 0")

    assert (failed.outcome, passed.outcome) == (outcome, "passed")


@pytest.mark.parametrize("code", [*range(1, 256), *(-number for number in range(1, 32))])
def test_pytest_passes_with_zero_alone(tmp_path: Path, code: int) -> None:
    """All tests passed, and yet another code: something broke that no test tells of."""
    (tmp_path / "log").write_text("3 passed\n")
    tests = {"collected": 3, "passed": 3, "failed": 0, "errors": 0, "skipped": 0}
    spec = StageSpec(id="tests", kind="pytest")

    judged = pytest_run.judge(code, tests, spec, tmp_path / "log")
    whole = pytest_run.judge(0, tests, spec, tmp_path / "log")

    assert whole[:2] == ("passed", GREEN)
    # 5 says that no test was collected, which proves nothing; all others are failures.
    assert judged[:2] == (("no-tests", OPEN) if code == 5 else ("failed", RED))
