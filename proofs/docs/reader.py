"""Types the commands of a page as a reader would, one after the other, in one shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.numerics.numeric_class import CACHE
from proofs.docs import page_text
from proofs.docs.steps import RUN_ID, Step

PUBLISHED = "https://example.org/ptycho-harness.git"
_SETTINGS = """\
[user]
    name = Tess
    email = tess@example.org
[init]
    defaultBranch = main
[advice]
    detachedHead = false
[url "{source}"]
    insteadOf = {published}
"""
_LINE = """\
cd "$(cat "$KEPT/folder")" && . "$KEPT/exported"
eval "$TYPED"
code=$?
unset TYPED
pwd > "$KEPT/folder"
export -p > "$KEPT/exported"
exit $code
"""


@dataclass(slots=True)
class Reader:
    """Somebody with a shell, whose folder and exported variables last from line to line.

    Attributes:
        home: Scratch folder of the shell.
        folder: Where the first line is typed.
        source: Repository that the published address stands for.
        limit_s: Longest time of a command.
        ids: Run ids that the page shows, in their order; they stand for the runs made here.
    """

    home: Path
    folder: Path
    source: Path = page_text.ROOT
    limit_s: float = 60.0
    ids: Sequence[str] = ()
    _environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Write the settings of git and of the shell."""
        self.home.mkdir(parents=True, exist_ok=True)
        git = self.home / "gitconfig"
        git.write_text(_SETTINGS.format(source=self.source, published=PUBLISHED))
        (self.home / "folder").write_text(str(self.folder))
        (self.home / "exported").write_text("")
        own = (self.folder / ".venv/bin", Path(sys.executable).parent)
        self._environment = {
            "PATH": os.pathsep.join([*map(str, own), os.environ["PATH"]]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "KEPT": str(self.home),
            "GIT_CONFIG_GLOBAL": str(git),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self.home),
            # What the machine computes is asked once, not anew in every home.
            **{key: os.environ[key] for key in (CACHE,) if key in os.environ},
        }

    @property
    def place(self) -> Path:
        """Where the shell stands now."""
        return Path((self.home / "folder").read_text().strip())

    def type(self, step: Step, more: str = "") -> tuple[int, list[str]]:
        """Type the command of a step, with more words; return exit code and what it wrote."""
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-c", _LINE],
            cwd=self.folder,
            env={**self._environment, "TYPED": self._settled(step.command) + more},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.limit_s,
        )
        return done.returncode, done.stdout.splitlines()

    def _settled(self, command: str) -> str:
        """Name the runs made here where the page names those of its writer."""
        for id_ in RUN_ID.findall(command):
            command = command.replace(id_, self._runs("*")[list(self.ids).index(id_)])
        return re.sub(
            r"(?<=hubs/)([\w-]+)/<run id>", lambda m: f"{m[1]}/{self._runs(m[1])[-1]}", command
        )

    def _runs(self, suite: str) -> list[str]:
        """Return the ids of the runs made in the folder, the oldest first."""
        travelled = {path.name for path in self.source.glob("hubs/*/*Z-*")}
        made = {path.name for path in self.place.glob(f"hubs/{suite}/*Z-*")}
        return sorted(made - travelled)
