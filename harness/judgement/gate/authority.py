"""Who may waive, and which waivers count: said by the base and from outside, never by HEAD."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from harness.evidence.ledger import keys
from harness.judgement import waivers
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.options import GateOptions
from harness.judgement.gate.report import RuleChange
from harness.judgement.gate.rules import WAIVERS, RuleSet
from harness.judgement.verify import report
from harness.judgement.verify.report import Row
from harness.judgement.waivers import Authority, WaiverStatus

CHECK = "waivers"


def make_authority(was: RuleSet, gate_options: GateOptions) -> Authority:
    """Take from the base and from outside who may waive.

    Raises:
        ConfigError: A key cannot be read.
    """
    names = list(gate_options.trust)
    unsigned = False
    if was.project is not None:
        names += was.project.gate.signers or was.project.trusted_keys
        unsigned = was.project.gate.unsigned_waivers
    if gate_options.policy is not None:
        names += gate_options.policy.signers
        unsigned = unsigned and gate_options.policy.unsigned_waivers
    return Authority(
        signers=tuple(keys.read_public(name) for name in dict.fromkeys(names)),
        unsigned=unsigned,
        today=dt.datetime.now(dt.UTC).date(),
    )


def judge_waivers(now: RuleSet, authority: Authority) -> tuple[WaiverStatus, ...]:
    """Read the waivers that a change brings, and say which count.

    Raises:
        ConfigError: One cannot be read.
    """
    written = now.files(WAIVERS, waivers.ENDING)
    read = {name: waivers.read(content, name) for name, content in sorted(written.items())}
    return waivers.judge(read, authority)


def find_waiver(
    difference: Difference, statuses: Sequence[WaiverStatus]
) -> WaiverStatus | None:
    """Return the waiver that names exactly this weaker rule; None where there is none."""
    if difference.change is not Change.WEAKER:
        return None
    return waivers.find((difference.rule, difference.was, difference.now), statuses)


def tell_waivers(
    statuses: Sequence[WaiverStatus], changes: Sequence[RuleChange]
) -> Iterator[Row]:
    """Tell each waiver that does not count or is not used: it only looks like an answer."""
    used = {change.waiver.file for change in changes if change.waiver is not None}
    for status in statuses:
        if not status.counts:
            message = f"{waivers.FOLDER}/{status.file}: {status.message}"
            yield report.note_row(CHECK, report.printable(message), "Renew or remove it.")
        elif status.file not in used:
            message = f"{waivers.FOLDER}/{status.file}: not used, its rule is not so changed"
            yield report.note_row(CHECK, report.printable(message), "Remove it.")
