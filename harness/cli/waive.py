"""``harness waive``: answer for a weaker rule, in a file that a reviewer reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from harness import files
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config.project import Project
from harness.config.toml_table import nearest
from harness.errors import ConfigError, NothingSelectedError
from harness.evidence.hub import checkout, digest
from harness.evidence.ledger import keys
from harness.judgement import waivers
from harness.judgement.gate import conductor
from harness.judgement.gate.compare import compare_rules
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.rules import Reader
from harness.judgement.waivers import Waiver
from harness.reporting import text

EXAMPLES = """\b
Examples:
  harness waive suites.quick.guards.floor.min --reason "the unit is another" --sign me.key
  harness waive drills.output-constant --base origin/main --reason "its guard is gone"
  harness waive tests.quick.tests.test_a::test_b --was passed --now — --reason "moved to C"
"""
_KEY_LIMIT = 4096


@click.command("waive", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("rule")
@click.option("--reason", required=True, help="Why it may be weaker.")
@click.option(
    "--base", default="origin/HEAD", show_default=True, help="What it is weaker than."
)
@click.option("--until", metavar="DATE", help="Last day on which it holds, YYYY-MM-DD.")
@click.option(
    "--sign",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Sign with the secret key in this file.",
)
@click.option("--was", help="What it was, as the gate printed it; found by itself for rules.")
@click.option("--now", help="What it is, as the gate printed it.")
@options.common
@options.pass_session
def command(session: Session, /, rule: str, **flags: Any) -> None:
    """Answer for a weaker rule, in a file that a reviewer reads.

    Writes waivers/NAME.toml for exactly this change of exactly this rule, and an entry of the
    ledger. Commit both. Whether it counts is for the base to say: who may sign stands in its
    [gate] table, or in keys that the gate is given from outside.
    """
    project = resolve.project(session)
    was, now = read_change(project, rule, flags)
    waiver = make_waiver(project, (rule, was, now), flags)
    path = project.root / waivers.FOLDER / waiver.name
    path.parent.mkdir(exist_ok=True)
    files.write_text(path, waivers.write(waiver))
    project.hubs.mkdir(parents=True, exist_ok=True)
    body = {"was": was, "now": now, "reason": waiver.reason, "file": waiver.name}
    entry = conductor.ledger_of(project).append(
        waivers.LOGGED, rule, body | {"signer": waiver.signer or None}
    )
    value = {"file": str(path), "rule": rule, "was": was, "now": now, "entry": entry.sequence}
    signed = f"signed by {waiver.signer}" if waiver.signer else "not signed"
    place = resolve.relative_place(path, project)
    head = text.visible(f"{rule}: {was} → {now}")
    session.answer(value, f"{head}\n{signed}; commit {place} and the ledger")


def read_change(project: Project, rule: str, flags: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a rule was and is, as given or as the two revisions say.

    Raises:
        ConfigError: Only one of both is given.
        NothingSelectedError: The rule is not weaker.
    """
    was, now = flags["was"], flags["now"]
    if (was is None) is not (now is None):
        raise ConfigError(
            "--was and --now",
            found="one of them",
            expected="both, or neither",
            remedy="Copy both from the gate's table.",
        )
    if was is not None and now is not None:
        return was, now
    difference = find_difference(Reader(project.root), flags["base"], rule)
    return difference.was, difference.now


def make_waiver(
    project: Project, change: tuple[str, str, str], flags: Mapping[str, Any]
) -> Waiver:
    """Make the waiver of a change (rule, was, is), signed where a key is given.

    Raises:
        ConfigError: No reason, no day, or a key that cannot be used.
    """
    rule, was, now = change
    reason = " ".join(flags["reason"].split())
    if not reason:
        raise ConfigError(
            "--reason",
            found="nothing",
            expected="a sentence",
            remedy="Say why it may be weaker.",
        )
    today = dt.datetime.now(dt.UTC).date()
    author = checkout.ask(project.root, "config", "--get", "user.name") or b"unknown"
    waiver = Waiver(
        rule=rule,
        was=was,
        now=now,
        reason=reason,
        author=" ".join(author.decode(errors="replace").split()),
        until="" if flags["until"] is None else waivers.parse_day(flags["until"], today),
    )
    if flags["key_file"] is None:
        return waiver
    secret = digest.read_bytes(flags["key_file"], _KEY_LIMIT).decode(errors="replace").strip()
    return waivers.sign(waiver, keys.read_secret(secret))


def find_difference(reader: Reader, base: str, rule: str) -> Difference:
    """Find how a rule is weaker at HEAD.

    Raises:
        ConfigError: The base is not known here.
        NothingSelectedError: The rule is not weaker; the nearest that is is named.
    """
    differences = compare_rules(reader.read(base), reader.read("HEAD"))
    weaker = {d.rule: d for d in differences if d.change is Change.WEAKER}
    if rule in weaker:
        return weaker[rule]
    raise NothingSelectedError(
        f"rule {rule}"[:160],
        found=f"no rule that is weaker than at {base}",
        expected="the name of one, as harness gate prints it",
        remedy=f"{nearest(rule, weaker)} Commit the change; for tests give --was and --now.",
    )
