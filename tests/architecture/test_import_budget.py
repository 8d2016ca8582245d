"""What starting costs: modules that are loaded, and those that never are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "numpy", "lightning", "ptycho_torch", "matplotlib", "scipy", "h5py"}
LATE = {
    *("concurrent.futures", "difflib", "random", "secrets", "shutil", "statistics", "tempfile"),
    *(
        "harness.reporting.view",
        "harness.judgement.verify.blocking",
        "harness.judgement.verify.signing",
    ),
}
# What proves, judges or renders: a standing is told from what was proved before.
NOT_OF_A_STANDING = {
    *("csv", "array", "difflib", "shutil", "tempfile"),
    *(
        "harness.evidence.hub.causes",
        "harness.evidence.hub.redact",
        "harness.evidence.hub.seal",
    ),
    *("harness.judgement.causes", "harness.judgement.golden.store", "harness.judgement.verify"),
    *("harness.judgement.guards.metrics", "harness.reporting.screen"),
}
_PROBE = """
import json, sys, time
began = time.process_time()
import {module}
spent = time.process_time() - began
print(json.dumps({{"modules": sorted(sys.modules), "cpu_s": spent}}))
"""


def _loaded(module: str) -> tuple[set[str], float]:
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r})" + _PROBE.format(module=module),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer = json.loads(done.stdout)
    return set(answer["modules"]), answer["cpu_s"]


def _at_start() -> set[str]:
    return _loaded("sys")[0]


def test_verifying_loads_little() -> None:
    """A hub is verified without any heavy library, from at most 150 modules."""
    modules, spent = _loaded("harness.judgement.verify")

    assert not {name.split(".")[0] for name in modules} & HEAVY
    assert len(modules - _at_start()) <= 150
    assert spent < 0.5  # the house value is 0.2 on a quiet machine


def test_proving_loads_what_it_needs() -> None:
    """What writes, draws, signs, samples or guesses at names waits until it is called."""
    modules, _ = _loaded("harness.cli.verify, harness.cli.verify_output")

    assert not modules & LATE


def test_standing_loads_what_it_tells() -> None:
    """A standing of suites needs no seal, no golden, no reader of artifacts and no renderer."""
    modules, _ = _loaded("harness.cli.status")

    assert not modules & NOT_OF_A_STANDING
    assert len(modules - _at_start()) <= 150


@pytest.mark.parametrize("command", ["run", "status", "verify", "diff", "blockers", "ledger"])
def test_commands_start_light(command: str) -> None:
    """No command of the daily loop loads a heavy library, nor jinja2, before it is needed."""
    modules, _ = _loaded(f"harness.cli.{command}")

    assert not {name.split(".")[0] for name in modules} & (HEAVY | {"jinja2", "git", "pytest"})


def test_starting_loads_no_command() -> None:
    """The group knows its commands by name and imports none of them."""
    modules, _ = _loaded("harness.cli.main")

    ours = {name for name in modules if name.startswith("harness.")}
    assert ours <= {
        "harness.cli",
        "harness.cli.exits",
        "harness.cli.main",
        "harness.cli.options",
        "harness.errors",
    }
