"""From a file that somebody was given to the run that made it, and what that is worth today."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness import files
from harness.cli import main as program
from tests.builders import hubs, sealed
from tests.builders.sealed import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Make a project with one hub, whose bundle stays outside of it."""
    return sealed.make(tmp_path / "small")


@pytest.fixture
def ask(store: Store, capsys: pytest.CaptureFixture[str]) -> Any:
    """Ask for a file and return exit code, answer and error."""

    def call(what: object) -> tuple[int, dict[str, Any], str]:
        code = program.main(["-C", str(store.root), "find", str(what), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {}, said.err

    return call


def bundle_of(store: Store) -> Path:
    """Return the artifact that stays outside of the hub."""
    return next((store.root / ".harness").rglob("weights.bin"))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("weights", "artifact weights of stage measure"),
        ("analysis/measure/stats.json", "artifact stats of stage measure"),
        ("plan/plan.md", "file plan/plan.md"),
        ("green/measure.log", "file cli/measure.log, file green/measure.log"),
    ],
)
def test_a_file_under_another_name_leads_to_its_run(
    store: Store, ask: Any, tmp_path: Path, name: str, made: str
) -> None:
    """Bundle, record, report or log: the digest counts, never the name."""
    mailed = tmp_path / "mail" / "wts.h5.zip"
    mailed.parent.mkdir()
    source = bundle_of(store) if name == "weights" else store.hub / name
    shutil.copyfile(source, mailed)

    code, answer, _ = ask(mailed)

    (run,) = answer["made_by"]
    assert (code, run["made"], run["verdict"]) == (0, made, "green")
    assert run["hub"] == f"hubs/tiny/{store.hub.name}"


def test_one_byte_makes_another_file(store: Store, ask: Any, tmp_path: Path) -> None:
    """A bundle that was changed on its way is no run's."""
    content = bytearray(bundle_of(store).read_bytes())
    content[100] ^= 1
    mailed = tmp_path / "wts.h5.zip"
    mailed.write_bytes(content)

    code, answer, error = ask(mailed)

    assert (code, len(error.splitlines())) == (3, 1)
    assert "no run that made" in answer["error"]["found"]


def test_standing_is_that_of_today(store: Store, ask: Any) -> None:
    """The same bundle: green, stale once the source moved, red by a bound, then damaged."""
    bundle = bundle_of(store)
    assert ask(bundle)[1]["made_by"][0]["today"].endswith(
        "same inputs, declaration, environment"
    )
    (store.root / "source.py").write_text(sealed.SOURCE + "\nprint(1)\n")
    code, answer, _ = ask(bundle)
    assert (code, "source.py" in answer["made_by"][0]["today"]) == (0, True)
    stats = store.hub / "analysis/measure/stats.json"
    sealed.write(stats, stats.read_bytes().replace(b"0.75", b"0.95"))

    code, answer, _ = ask(bundle)

    assert (code, answer["made_by"][0]["outcome"]) == (4, "damaged")


def test_the_newest_of_several_runs_decides(store: Store, ask: Any) -> None:
    """Three are proved, the others named; the newest comes first."""
    newer = [sealed.run(store.root).hub.name for _ in range(4)]

    code, answer, _ = ask(bundle_of(store))

    assert code == 0
    assert [run["hub"] for run in answer["made_by"]] == [
        f"hubs/tiny/{name}" for name in newer[:0:-1]
    ]
    assert answer["also_made_by"] == [f"tiny/{newer[0]}", f"tiny/{store.hub.name}"]


def test_a_digest_is_enough(store: Store, ask: Any) -> None:
    """Whole, with its prefix, or as far as the harness prints it; less is no digest."""
    sha256 = files.sha256_file(bundle_of(store))
    for what in (sha256, f"sha256:{sha256}", sha256[:12]):
        assert ask(what)[0] == 0
    assert ask(sha256[:11])[0] == 2
    assert ask("0" * 64)[0] == 3


def test_what_a_run_only_read_is_not_made_by_it(tmp_path: Path) -> None:
    """A dataset leads to its readers, and says that nobody made it here."""
    data = tmp_path / "scan.npz"
    data.write_bytes(b"a scan")
    declared = hubs.suite(hubs.writing(), datasets=["train"])
    top = {
        "datasets": {"train": {"generate": ["{python}", "-c", "", "{output}"], "inputs": []}}
    }
    project = hubs.project(tmp_path / "p", top=top, tiny=declared)
    hubs.run(project, datasets={"train": data})

    assert program.main(["-C", str(project.root), "find", str(data)]) == 3


def test_a_hub_that_cannot_be_read_is_no_proof_of_absence(
    store: Store, ask: Any, tmp_path: Path
) -> None:
    """Nothing is concluded from what was not read."""
    record = store.hub / "hub.json"
    bundle = bundle_of(store).read_bytes()
    mailed = tmp_path / "m.bin"
    mailed.write_bytes(bundle)
    sealed.write(record, record.read_bytes()[:-40])

    code, _, error = ask(mailed)

    assert (code, len(error.splitlines())) == (4, 1)
