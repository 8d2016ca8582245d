"""Real repositories, adopted by the words of the page on adoption alone.

Each is fetched as its released source distribution and put into git; the harness lives in an
environment of its own, the project in another. What is measured is what somebody new does: one
``init`` with the command that matters, a run, a gate that is green, and red for a planted
defect. Libraries that the environment of this repository has already (torch, SciPy, pytest) are
lent to the project's by a path entry: a gigabyte need not be fetched again for each.
"""

from __future__ import annotations

import sysconfig
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proofs.adopt import environments
from proofs.adopt.environments import run
from proofs.docs import regions

COMMANDS = Path(__file__).with_name("commands")
MOST_LINES = 40
_RED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A released project, how it is adopted, and a defect that must be caught.

    ``addition`` is what a maintainer adds to ``harness.toml`` by hand after ``init``; ``seeds``
    are run to calibrate goldens, where there are any. ``defect`` is a file, what stands there,
    and what stands there instead; ``guard`` must catch it.
    """

    name: str
    version: str
    script: str
    words: str
    defect: tuple[str, str, str]
    guard: str
    needs: tuple[str, ...] = ()
    addition: str = ""
    seeds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What one adoption took: lines of TOML that say something, and seconds.

    ``by_hand`` of the lines did not come from ``init``; ``caught`` names the guard that was the
    first cause after the defect.
    """

    name: str
    lines: int
    by_hand: int
    init_s: float
    gate_s: float
    caught: str


REPOSITORIES = (
    Repository(
        name="lmfit",
        version="1.3.4",
        script="fit_peak.py",
        words="--output out --seed 1",
        needs=("asteval", "uncertainties", "dill"),
        # The width without its factor 2: still a Gaussian, of another width.
        defect=(
            "lmfit/lineshapes.py",
            "(2*sigma**2))))\n\n\ndef gaussian2d",
            "(sigma**2))))\n\n\ndef gaussian2d",
        ),
        addition=(
            '\n[[suites.fit-peak.guards]]\nid = "width"\nkind = "golden"\n'
            'metric = "peak:sigma"\nremedy = "Another width: look at the shape."\n'
        ),
        seeds=12,
        guard="width",
    ),
    Repository(
        name="torchkbnufft",
        version="1.5.2",
        script="check_adjoint.py",
        words="--output out --seed 1",
        # The adjoint without the conjugate of its interpolation.
        defect=(
            "torchkbnufft/_nufft/interp.py",
            "table[it_distind + center].conj()",
            "table[it_distind + center]",
        ),
        guard="adjoint-error",
    ),
    Repository(
        name="torchdiffeq",
        version="0.2.5",
        script="oscillate.py",
        words="--output out",
        # One weight of the Dormand-Prince tableau: still a solver, of another order.
        defect=("torchdiffeq/_impl/dopri5.py", "44 / 45, -56 / 15", "44 / 45, -55 / 15"),
        guard="error",
    ),
)


def adopt(repository: Repository, harness: Path, python: Path, folder: Path) -> Adoption:
    """Adopt one repository and plant its defect.

    Args:
        repository: What is adopted.
        harness: Program of the harness, in its own environment.
        python: Interpreter of which the project's environment is made.
        folder: Empty folder to work in.

    Raises:
        RuntimeError: A step did not end as it must; the message says which.
    """
    root = fetch(repository, python, folder)
    suite = Path(repository.script).stem.replace("_", "-")
    (root / repository.script).write_bytes((COMMANDS / repository.script).read_bytes())
    began = time.monotonic()
    command = f"python {repository.script} {repository.words}"
    run([str(harness), "init", "--from-command", command], root)
    declaration = root / "harness.toml"
    declaration.write_text(declaration.read_text() + repository.addition)
    made = time.monotonic()
    if repository.seeds:
        calibrate(repository, harness, suite, root)
    run([str(harness), "run", suite], root)
    run([str(harness), "verify", "--hub", "latest"], root)
    ended = time.monotonic()
    file, before, after = repository.defect
    source = (root / file).read_text()
    if source.count(before) != 1:
        raise RuntimeError(f"{repository.name}: {file} holds {before!r} not once")
    (root / file).write_text(source.replace(before, after))
    said = run([str(harness), "run", suite], root, code=_RED)
    if f"cause  guard {repository.guard}:" not in said:
        raise RuntimeError(f"{repository.name}: {repository.guard} did not catch it\n{said}")
    lines = count_lines(declaration.read_text())
    if lines > MOST_LINES:
        raise RuntimeError(f"{repository.name}: {lines} lines of TOML, at most {MOST_LINES}")
    return Adoption(
        name=f"{repository.name} {repository.version}",
        lines=lines,
        by_hand=count_lines(repository.addition),
        init_s=made - began,
        gate_s=ended - began,
        caught=f"`{repository.guard}`",
    )


def calibrate(repository: Repository, harness: Path, suite: str, root: Path) -> None:
    """Make goldens; no line of it may say that there are none yet.

    Raises:
        RuntimeError: A step failed, or a line did.
    """
    words = ["golden", "calibrate", suite, "--seeds", str(repository.seeds)]
    said = run([str(harness), *words], root)
    if "inconclusive" in said or "no golden" in said:
        raise RuntimeError(f"{repository.name}: calibration speaks of missing goldens\n{said}")
    run([str(harness), "golden", "update", suite, "--reason", "first values"], root)


def fetch(repository: Repository, python: Path, folder: Path) -> Path:
    """Fetch a source distribution, give it an environment, and put it into git."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = f"{repository.name}=={repository.version}"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    words = ("download", "--quiet", "--no-deps", "--no-binary", repository.name, wanted)
    run([*pip, *words], folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    (root,) = (path for path in folder.iterdir() if path.is_dir())
    run([str(python), "-m", "venv", str(root / ".venv")], folder)
    site = next((root / ".venv/lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n{root}\n")
    if repository.needs:
        pip = [str(root / ".venv/bin/python"), "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", "--no-deps", *repository.needs], folder)
    (root / ".gitignore").write_text(".venv/\n__pycache__/\nout/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (("init", "--quiet"), ("add", "-A"), ("commit", "--quiet", "-m", "release")):
        run([*git, *words], root)
    return root


def count_lines(text: str) -> int:
    """Count the lines of a declaration that are neither empty nor a comment."""
    lines = (line.strip() for line in text.splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def report(adoptions: Sequence[Adoption]) -> str:
    """Write the table of the page on adoption."""
    head = ("repository", "lines of TOML", "by hand", "`init` [s]", "first green [s]")
    rows = (
        (a.name, str(a.lines), str(a.by_hand), f"{a.init_s:.0f}", f"{a.gate_s:.0f}", a.caught)
        for a in adoptions
    )
    return regions.table((*head, "defect caught by"), rows)


def adopt_all(python: Path, folder: Path, names: Sequence[str] = ()) -> list[Adoption]:
    """Adopt all repositories, or those that are named, with one environment of the harness."""
    harness = environments.install(python, folder / "harness") / "harness"
    return [
        adopt(one, harness, python, folder / one.name)
        for one in REPOSITORIES
        if not names or one.name in names
    ]
