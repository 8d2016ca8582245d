"""What a gate is given from outside of the change: keys, a pin, a policy, the base's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from harness.evidence.ledger.checkpoint import Checkpoint
from harness.frozen import dataclass
from harness.judgement.gate import tests_rules
from harness.judgement.gate.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """What a gate is given beside the base and the hubs.

    Attributes:
        trust: Public keys from outside, as text: whose waivers and checkpoints count.
        pin: A checkpoint from outside that the ledger must still begin with.
        policy: What an organisation asks for.
        base_tests: Outcomes of the base's tests by suite, where they are known.
        without_tests: Leave to compare no tests; it is told, and counts for nothing.
    """

    trust: tuple[str, ...] = ()
    pin: Checkpoint | None = None
    policy: Policy | None = None
    base_tests: Mapping[str, tests_rules.Outcomes] = field(default_factory=dict)
    without_tests: bool = False
