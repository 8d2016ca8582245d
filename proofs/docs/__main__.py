"""Write the generated regions of the pages anew: ``python -m proofs.docs``."""

from __future__ import annotations

import click

from proofs.docs import pages, regions


@click.command()
def main() -> None:
    """Renew every page that differs, and name it."""
    for path, text in pages.renewed().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            click.echo(f"renewed {path.relative_to(regions.DOCS.parent)}")


if __name__ == "__main__":
    main()
