"""Measure what a history notices beside Apache Otava: ``python -m proofs.history``."""

from __future__ import annotations

from pathlib import Path

import click

from harness.files import sha256_bytes
from proofs.docs import regions
from proofs.history import campaign, page
from proofs.history.campaign import QUICK, Sizes

PAGE = regions.DOCS / "history-power.md"
_ROOT = regions.DOCS.parent


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), default=Path(".harness/history-power"))
@click.option("--minutes", type=float, default=8.0, help="Start nothing after this time.")
@click.option("--quick", "is_quick", is_flag=True, help="Few series; the figures are rough.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PAGE)
def main(keep: Path, minutes: float, output: Path, jobs: int, *, is_quick: bool) -> None:
    """Count what has not been counted yet, and write the page."""
    sizes = QUICK if is_quick else Sizes()
    cells = campaign.run(keep / f"{digest_code()}.json", sizes, minutes, jobs)
    output.write_text(page.write_page(cells, orders=10 if is_quick else 200), "utf-8")
    click.echo(f"{len(cells)} cells counted")


def digest_code() -> str:
    """Return what counts depend on: other code counts anew."""
    folders = ("harness/judgement/shifts", "proofs/history")
    names = ("series.py", "judges.py", "campaign.py")
    paths = sorted((_ROOT / folders[0]).glob("*.py"))
    paths += [_ROOT / folders[1] / name for name in names]
    return sha256_bytes(b"\0".join(path.read_bytes() for path in paths))[:12]


if __name__ == "__main__":
    main()
