"""``harness export``: the same evidence for archives, supply chains, research and trackers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli import builder_options, options, resolve, signer
from harness.cli.options import Session
from harness.config.project import Project
from harness.errors import ConfigError, NotAProjectError
from harness.evidence.hub.store import read_record
from harness.sharing.export import bagit, cyclonedx, in_toto, ro_crate

EXAMPLES = """\b
Examples:
  harness export --hub latest --format bagit -o bag
  harness export --hub quick:latest --format in-toto --sign KEYFILE -o quick.intoto.jsonl
  harness export --hub latest --format ro-crate -o crate
  harness export --hub latest --format cyclonedx -o model.cdx.json
  harness export --hub latest --format mlflow --tracking-uri sqlite:///mlflow.db
"""
_PLAIN = {"bagit": bagit.write, "cyclonedx": cyclonedx.write}


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--hub", "name", default="latest", show_default=True, help="The hub to export.")
@click.option(
    "--format",
    "kind",
    type=click.Choice([*_PLAIN, "ro-crate", "in-toto", "mlflow"]),
    required=True,
    help="bagit and ro-crate make a folder, cyclonedx and in-toto a file, mlflow a run.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to write; not for mlflow."
)
@signer.sign_option("Sign in-toto envelopes with the secret key in this file.")
@click.option(
    "--tracking-uri",
    envvar="MLFLOW_TRACKING_URI",
    show_envvar=True,
    help="Where mlflow keeps runs: a folder, sqlite:///FILE or a server's address.",
)
@builder_options.builder_options
@click.option("--experiment", help="Experiment of the run in mlflow; the suite without it.")
@options.common
@options.pass_session
def command(session: Session, /, **flags: Any) -> None:
    """Export a hub for archives, supply chains, research and trackers.

    As a bag, as attestations, as a bill of materials of its models (CycloneDX ML-BOM), as a
    research object with its models, or as a tracked run. The hub itself stays as it is; every
    copied file is held against the manifest. A hub is one run of mlflow, however often it is
    exported.
    """
    hub = resolve.hub(flags["name"], session)
    _refuse_mixed(flags)
    if flags["kind"] == "mlflow":
        _track(session, hub, flags["tracking_uri"], flags["experiment"] or "")
    else:
        _write(session, hub, flags)


def _refuse_mixed(flags: dict[str, Any]) -> None:
    """Refuse options that the format does not know, and miss those that it needs.

    Raises:
        ConfigError: An option is missing or misplaced.
    """
    is_tracked = flags["kind"] == "mlflow"
    needed, key = ("--tracking-uri", "tracking_uri") if is_tracked else ("--output", "output")
    if not flags[key]:
        raise ConfigError(
            f"--format {flags['kind']}",
            found=f"no {needed}",
            expected="where to write",
            remedy=f"Give {needed}.",
        )
    foreign = {"--output": "output"} if is_tracked else {"--experiment": "experiment"}
    for option, name in foreign.items():
        if flags[name]:
            remedy = f"Leave {option} out, or choose another --format."
            raise ConfigError(option, found=flags["kind"], expected="another", remedy=remedy)
    if flags["key_file"] is not None and flags["kind"] != "in-toto":
        remedy = "Leave --sign out, or choose --format in-toto."
        raise ConfigError("--sign", found=flags["kind"], expected="in-toto", remedy=remedy)


def _track(session: Session, hub: Path, address: str, experiment: str) -> None:
    from harness.sharing.export import tracking  # an extra is behind it

    run = tracking.write(hub, read_record(hub), tracking.Place(address, experiment))
    answer = {
        "hub": resolve.relative_place(hub),
        "format": "mlflow",
        "store": address,
        "run": run,
    }
    session.answer(answer, f"mlflow  run {run} at {address}")


def _write(session: Session, hub: Path, flags: dict[str, Any]) -> None:
    record, kind, output = read_record(hub), flags["kind"], flags["output"]
    if output.absolute().is_relative_to(hub):
        remedy = "Name a place outside the hub with --output."
        raise ConfigError(
            str(output), found="a place in the sealed hub", expected="another", remedy=remedy
        )
    if kind in _PLAIN:
        _PLAIN[kind](hub, record, output)
    elif kind == "ro-crate":
        ro_crate.write(hub, record, output, _project(session))
    else:
        secret, by = signer.read_signer(flags["key_file"]), builder_options.builder(flags)
        in_toto.write(hub, record, output, secret, project=_project(session), builder=by)
    answer = {"hub": resolve.relative_place(hub), "format": kind, "output": str(output)}
    session.answer(answer, f"{kind}  {output}")


def _project(session: Session) -> Project | None:
    """Return the project that the command works in, where there is one."""
    try:
        return resolve.project(session)
    except NotAProjectError:
        return None
