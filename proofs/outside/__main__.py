"""Run the tests of other people's machines and count: ``python -m proofs.outside [PATHS]``.

Only the files that are named are run, all without one; of the others what is kept stays.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import click

from proofs.outside import table
from proofs.outside.table import Instance

_BAD = ("failure", "error", "skipped")


def run(path: Path) -> list[Instance]:
    """Run one file of tests and return its cases."""
    with tempfile.TemporaryDirectory(prefix="outside-") as folder:
        junit = Path(folder) / "junit.xml"
        words = ("-q", "-p", "no:cacheprovider", f"--junit-xml={junit}", str(path))
        subprocess.run([sys.executable, "-m", "pytest", *words], cwd=table.ROOT, check=False)
        cases = ET.parse(junit).getroot().iter("testcase")  # noqa: S314 - written by our own run
        kind = table.kind_of(path)
        return [
            Instance(
                kind=kind,
                test=case.get("name", "").partition("[")[0],
                case=case.get("name", "").partition("[")[2].removesuffix("]"),
                is_right=not any(case.find(bad) is not None for bad in _BAD),
            )
            for case in cases
        ]


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def main(paths: tuple[Path, ...]) -> None:
    """Run the files of tests, keep their cases, and say how many came out right."""
    chosen = [path.resolve() for path in paths] or _listed()
    new = {table.kind_of(path): run(path) for path in chosen}
    before = table.read() if paths and table.INSTANCES.is_file() else []
    others = [one for one in before if one.kind not in new]
    instances = sorted([*others, *(one for cases in new.values() for one in cases)], key=_order)
    table.write(instances)
    click.echo(f"{sum(one.is_right for one in instances)} of {len(instances)} instances right")


def _listed() -> list[Path]:
    return sorted(path for pattern in table.FILES for path in table.ROOT.glob(pattern))


def _order(one: Instance) -> tuple[str, str, str]:
    return one.kind, one.test, one.case


if __name__ == "__main__":
    main()
