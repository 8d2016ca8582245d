"""``harness diff``: two hubs side by side, or a hub beside its golden."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness import files, records
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.errors import ConfigError, EvidenceMissingError, NotAProjectError
from harness.evidence.hub.store import read_record
from harness.judgement.declaration import load_project
from harness.judgement.golden import store as goldens
from harness.judgement.golden.store import GoldenSet
from harness.records import HubRecord
from harness.reporting import arrays, changes, markdown, pairs, terminal, text
from harness.reporting.arrays import ArrayPair
from harness.reporting.changes import Changes
from harness.reporting.pairs import Pair

EXAMPLES = """\b
A hub is named by its folder, its run id (or the beginning of one), latest, latest~1,
or SUITE:latest~1. BEFORE may be golden: the centres of the suite's golden.

\b
Examples:
  harness diff                        the last two runs of the suite that ran last
  harness diff golden latest
  harness diff quick:latest~5 quick:latest
  harness diff latest~1 latest --maps /tmp/maps
  harness diff hubs/quick/20260102T030405Z-a1b2c3 latest --json
"""
_GOLDEN = "golden"


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("before", default="latest~1", metavar="[BEFORE]")
@click.argument("after", default="latest", metavar="[AFTER]")
@click.option("--suite", metavar="SUITE", help="Suite in which latest counts.")
@click.option("--md", "is_markdown", is_flag=True, help="Answer in Markdown.")
@click.option(
    "--maps",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a difference map of each picture that changed into this folder.",
)
@options.common
@options.pass_session
def command(
    session: Session,
    before: str,
    after: str,
    suite: str | None,
    *,
    is_markdown: bool,
    maps: Path | None,
) -> None:
    """Compare two hubs, the metrics that moved most first.

    A metric whose guard broke comes first, then by the standard deviations it moved; where no
    golden says what those are, a tenth counts as one. z is where the number is now, seen from
    its golden. Then come guards, stages and pictures, and what differs in the input files, the
    source, the datasets, the parameters and the environment. Numbers of different datasets are
    marked as not comparable. Arrays (NPY, NPZ) that differ are told by shape, mean, standard
    deviation and range, of |z| where they are complex, with their largest difference and the
    relative L2; they are never unpickled.
    """
    folder = resolve.hub(after, session, suite)
    record = read_record(folder)
    golden = _golden(session, record)
    pictures: list[Pair] = []
    differing: list[ArrayPair] = []
    if before == _GOLDEN:
        compared = _against(golden, record)
    else:
        folders = resolve.hub(before, session, suite), folder
        first = read_record(folders[0])
        inputs = changes.inputs_of(folders[0]), changes.inputs_of(folders[1])
        compared = changes.compare(first, record, inputs, golden)
        pictures = pairs.compare(folders, (first, record))
        differing = arrays.compare(folders, (first, record), _root(session))
    written = _draw(pictures, maps)
    if is_markdown and not session.json:
        pictures_text = "".join(
            f"\n- {markdown.cell(p.name)}: {pairs.describe_pair(p)}\n" for p in pictures
        )
        click.echo(markdown.comparison(compared) + pictures_text + _table(differing), nl=False)
        return
    answer = {**_json(compared, pictures), "arrays": [_encode_pair(pair) for pair in differing]}
    session.answer(answer, _write_changes(compared, pictures, differing, written))


def _table(differing: Sequence[ArrayPair]) -> str:
    """Write the arrays as a Markdown table; nothing where none differs."""
    rows = [arrays.describe_pair(pair) for pair in differing]
    return f"\n{markdown.table(arrays.HEAD, rows)}\n" if rows else ""


def _root(session: Session) -> Path | None:
    """Return the project's folder; a hub outside of a project has none."""
    try:
        return config_file.find_root(session.start)
    except NotAProjectError:
        return None


def _golden(session: Session, record: HubRecord) -> GoldenSet | None:
    """Read the golden of a run's suite; a hub outside of a project has none here."""
    root = _root(session)
    if root is None:
        return None
    project = load_project(root)
    return goldens.load(project.goldens(record.suite))


def _against(golden: GoldenSet | None, record: HubRecord) -> Changes:
    """Compare with the golden.

    Raises:
        EvidenceMissingError: There is none for this run.
    """
    if golden is None or not changes.references(golden, record):
        raise EvidenceMissingError(
            f"golden of {record.suite}",
            found="none for the data and the device class of this run",
            expected="calibrated reference statistics",
            remedy="Run harness golden calibrate, then harness golden update --reason.",
        )
    return changes.against_golden(golden, record)


def _draw(pictures: Sequence[Pair], folder: Path | None) -> list[Path]:
    """Write the difference maps.

    Raises:
        ConfigError: The folder cannot be made.
    """
    if folder is None:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--maps {folder}",
            found=error.strerror or "an error",
            expected="a folder that can be written",
            remedy="Name another one.",
        ) from error
    drawn = [pair for pair in pictures if pair.size is not None]
    for pair in drawn:
        files.write_bytes(folder / f"{pair.name}.png", pairs.difference_map(pair))
    return [folder / f"{pair.name}.png" for pair in drawn]


def _write_changes(
    compared: Changes,
    pictures: Sequence[Pair],
    differing: Sequence[ArrayPair],
    written: Sequence[Path],
) -> str:
    palette = terminal.Palette(options.has_colour())
    parts = [terminal.comparison(compared, palette)]
    if pictures:
        rows = [(pair.name, pairs.describe_pair(pair)) for pair in pictures]
        parts.append(terminal.table(("picture", "difference"), rows, palette))
    if differing:
        cells = [tuple(map(text.visible, arrays.describe_pair(pair))) for pair in differing]
        parts.append(terminal.table(arrays.HEAD, cells, palette))
    if written:
        parts.append("\n".join(f"map  {path}" for path in written))
    return "\n\n".join(parts)


def _json(compared: Changes, pictures: Sequence[Pair]) -> dict[str, Any]:
    fields = ("name", "size", "mean", "largest", "changed", "trouble")
    listed = map(_encode_pair, pictures)
    rows = [{name: pair[name] for name in fields} for pair in listed]
    return {**records.encode(compared), "pictures": rows}


def _encode_pair(pair: Pair | arrays.ArrayPair) -> dict[str, Any]:
    """Encode a pair under the keys that callers of ``--json`` know."""
    value = records.encode(pair)
    return {("trouble" if name == "problem" else name): item for name, item in value.items()}
