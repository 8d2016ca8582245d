"""Pictures of reports and site for the pages: ``python -m tests.docs.pictures --help``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.docs import regions

SIZE = "1280,800"
_TIMEOUT_S = 60


@click.command()
@click.option("--green", type=click.Path(path_type=Path, exists=True), help="report.html.")
@click.option("--red", type=click.Path(path_type=Path, exists=True), help="report.html.")
@click.option("--site", type=click.Path(path_type=Path, exists=True), help="index.html.")
def main(**pages: Path | None) -> None:
    """Take a picture of each page that is given, as it opens at 1280 × 800."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("pictures: chromium is needed; install it.")
    for name, page in pages.items():
        if page is not None:
            target = regions.DOCS / "pictures" / f"report_{name}.png"
            take(browser, page, target)
            click.echo(f"wrote docs/pictures/{target.name}, {target.stat().st_size} bytes")


def take(browser: str, page: Path, target: Path) -> None:
    """Take one picture.

    Raises:
        subprocess.CalledProcessError: The browser failed.
    """
    with tempfile.TemporaryDirectory(prefix="pictures-") as profile:
        arguments = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE}"]
        places = [f"--user-data-dir={profile}", f"--screenshot={target}"]
        subprocess.run(
            [browser, *arguments, *places, page.resolve().as_uri()],
            check=True,
            capture_output=True,
            timeout=_TIMEOUT_S,
        )


if __name__ == "__main__":
    main()
