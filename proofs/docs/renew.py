"""Write the outputs on a page anew, from the real programs: ``python -m proofs.docs.renew``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from proofs.docs import answers, page_text, plan, walk
from proofs.docs.steps import RUN_ID


@click.command()
@click.argument("pages", nargs=-1, type=click.Choice(sorted(plan.REAL)))
def main(pages: tuple[str, ...]) -> None:
    """Type the commands of PAGES (all without any) and show what they answer today.

    A page that goes wrong is left alone and named, and the exit code is 1.
    """
    done = [_renewed(name) for name in pages or plan.REAL]
    sys.exit(0 if all(done) else 1)


def _renewed(name: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        walked = walk.page(name, plan.REAL[name], Path(folder), limit_s=walk.LONG_S)
        wrong = [done.wrong for done in walked if done.wrong]
        if wrong:
            click.echo("\n".join([f"{name}: left as it was", *wrong]), err=True)
            return False
        path = page_text.ROOT / name
        made = answers.renewed(
            path.read_text("utf-8"),
            [done.step for done in walked],
            [done.renewed for done in walked if isinstance(done.renewed, tuple)],
        )
        path.write_text(made, "utf-8")
        runs = list(dict.fromkeys(RUN_ID.findall(made)))
        for picture, (index, artifact) in plan.PICTURES.get(name, {}).items():
            (source,) = Path(folder).glob(f"place/*/hubs/*/{runs[index]}/{artifact}")
            (page_text.ROOT / picture).write_bytes(source.read_bytes())
    click.echo(f"renewed {name}")
    return True


if __name__ == "__main__":
    main()
