"""Run the tests of models that travel, count, and write the table: ``python -m proofs.models``.

A test that is skipped proves nothing: what it needs is said, and its row is not written.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import click

from proofs.docs import regions
from proofs.models import table
from proofs.models.table import Claim, Count

_PAGE = table.ROOT / "docs" / "reliability.md"
_BAD = ("failure", "error")
_NOTES = ("kills",)


def run(claim: Claim) -> Count:
    """Run the tests of a row and count their cases, or what each of them says it tried.

    Raises:
        click.ClickException: A test was skipped, or none was collected.
    """
    python = table.ROOT / claim.environment / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="models-") as folder:
        junit = Path(folder) / "junit.xml"
        words = ("-q", "-p", "no:cacheprovider", "-p", "no:anyio", f"--junit-xml={junit}")
        words += ("-o", "junit_family=xunit1")  # the one that holds properties of a test
        argv = [str(python), "-m", "pytest", *words, *claim.tests]
        subprocess.run(argv, cwd=table.ROOT, check=False)
        root = ET.parse(junit).getroot()  # noqa: S314 - written by our own run
    cases = list(root.iter("testcase"))
    if skipped := [case for case in cases if case.find("skipped") is not None]:
        raise click.ClickException(f"skipped: {skipped[0].find('skipped').get('message')}")  # type: ignore[union-attr]
    if not cases:
        raise click.ClickException(f"no test in {', '.join(claim.tests)}")
    tried = {case: int(_properties(case).get("tried", "1")) for case in cases}
    held = [case for case in cases if not any(case.find(bad) is not None for bad in _BAD)]
    return Count(
        tried=sum(tried.values()),
        held=sum(tried[case] for case in held),
        notes=tuple(_notes(cases)),
    )


def _properties(case: ET.Element) -> dict[str, str]:
    return {each.get("name", ""): each.get("value", "") for each in case.iter("property")}


def _notes(cases: list[ET.Element]) -> Iterator[str]:
    for case in cases:
        known = _properties(case)
        yield from (known[name] for name in _NOTES if name in known)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(table.CLAIMS)))
def main(only: tuple[str, ...]) -> None:
    """Run the rows, keep each as it ends, and write the table into docs/reliability.md."""
    for name in only or tuple(table.CLAIMS):
        count = run(table.CLAIMS[name])
        table.write({**table.read(), name: count})
        click.echo(f"{name:<14} {count.held:>4} of {count.tried:>4}")
    text = _PAGE.read_text("utf-8")
    _PAGE.write_text(regions.renew_one(text, "models", table.rows()), "utf-8")
    sys.exit(any(count.held != count.tried for count in table.read().values()))


if __name__ == "__main__":
    main()
