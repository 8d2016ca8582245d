"""What the result of a run depends on, as one digest: the same key, the same result.

It is computed twice: from the work tree before the run, and from the record afterwards. Only
a run whose record gives the key that was asked for counts as its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.config.project import SuiteSpec
from harness.evidence.hub import plan, stamp
from harness.evidence.numerics import numeric_class
from harness.files import json_bytes, sha256_bytes
from harness.records import HubRecord

_SCHEMA = 1

Facts = Mapping[str, Any]


def facts_now(
    suite: SuiteSpec,
    inputs_sha256: str,
    datasets: Mapping[str, str],
    golden_sha256: str | None,
    environment: Mapping[str, str],
) -> Facts:
    """Say what a run would depend on now.

    Args:
        suite: The suite with the parameters of the run.
        inputs_sha256: Digest of its inputs, those that generate its data included.
        datasets: SHA-256 by role of the files that are given to it.
        golden_sha256: Digest of its goldens; None where it has none.
        environment: Versions and platform.
    """
    return {
        "declaration": plan.suite_sha256(suite),
        "inputs": inputs_sha256,
        "datasets": dict(datasets),
        "golden": golden_sha256,
        "environment": _environment(environment),
    }


def facts_recorded(record: HubRecord) -> Facts:
    """Say what a run depended on, from its record."""
    return {
        "declaration": record.config_sha256,
        "inputs": record.inputs_sha256,
        "datasets": {d.role: d.sha256 for d in record.datasets if not d.generated},
        "golden": record.golden_sha256,
        "environment": _environment(record.environment),
    }


def _environment(recorded: Mapping[str, str]) -> dict[str, str]:
    # Device and numeric class are left out: a node that sends work out need not have those of
    # the nodes that do it. Calibration refuses runs of several classes.
    return {
        key: value
        for key, value in stamp.identity(recorded).items()
        if key != "device" and not numeric_class.is_numeric(key)
    }


def digest_facts(facts: Facts, salt: str = "", *, ignored: tuple[str, ...] = ()) -> str:
    """Digest facts, without those that are ignored; a salt tells repeats apart."""
    counted = {name: value for name, value in facts.items() if name not in ignored}
    return sha256_bytes(json_bytes({"schema": _SCHEMA, "salt": salt, "facts": counted}))


def differences(before: Facts, after: Facts) -> tuple[str, ...]:
    """Name the facts in which two runs differ."""
    return tuple(name for name in before if before[name] != after.get(name))
