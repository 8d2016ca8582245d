"""Building a site: what is rendered, kept, removed and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.evidence.hub.store import HubStore
from harness.reporting.website import build, models, page_cache, run_list
from tests.builders import reports, stores


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a store of six hubs in two suites; hub 4 is red."""
    stores.fill(tmp_path / "hubs", 6)
    return tmp_path


def _build(place: Path, folder: str = "out") -> build.SiteSummary:
    return build.build("project", HubStore(place / "hubs", place / "work"), place / folder)


def _pages(place: Path, folder: str = "out") -> dict[str, bytes]:
    root = place / folder
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_every_hub_has_its_page(place: Path) -> None:
    """Index, trends, blocker, feed and one page per hub are there, and the index links them."""
    built = _build(place)

    pages = _pages(place)
    hubs = {f"hubs/{p.parent.name}/{p.name}.html" for p in (place / "hubs").glob("*/2*")}
    assert built == build.SiteSummary(hubs=6, rendered=6, removed=0, unreadable=0)
    assert len(hubs) == 6
    assert set(pages) == hubs | {
        "index.html",
        "feed.xml",
        "site.json",
        "trends/forward-parity.html",
        "trends/quick.html",
        *(f"blockers/{p.stem}.html" for p in (place / "hubs/blockers").glob("B-*.md")),
        *(models.place(stores.bundle(number).sha256) for number in range(6)),
    }
    assert all(f'href="{name}"'.encode() in pages["index.html"] for name in hubs)


def test_only_new_hubs_are_rendered(place: Path) -> None:
    """A second build renders nothing, one after a run one page; the result is the same."""
    _build(place)
    before = (place / "out/hubs/quick").stat().st_mtime_ns
    assert _build(place).rendered == 0
    stores.fill(place / "hubs", 1, first=6)

    assert _build(place).rendered == 1
    assert (place / "out/hubs/quick").stat().st_mtime_ns == before
    _build(place, "afresh")
    assert _pages(place) == _pages(place, "afresh")


def test_a_changed_record_is_rendered_again(place: Path) -> None:
    """The digest of the record decides, not its time or name."""
    _build(place)
    record = min((place / "hubs").glob("quick/2*/hub.json"))
    record.write_bytes(record.read_bytes().replace(b"main", b"side"))

    assert _build(place).rendered == 1
    assert any(b"side" in content for content in _pages(place).values())


def test_a_lost_page_comes_back(place: Path) -> None:
    """Pages that were deleted are rendered again."""
    _build(place)
    whole = _pages(place)
    next((place / "out/hubs/quick").iterdir()).unlink()
    (place / "out/trends/quick.html").unlink()

    assert _build(place).rendered == 1
    assert _pages(place) == whole


def test_a_hub_that_went_takes_its_page_along(place: Path) -> None:
    """What gc removed is in no page any more."""
    _build(place)
    gone = min((place / "hubs/quick").glob("2*"))
    shutil.rmtree(gone)

    assert _build(place).removed == 1
    assert not any(gone.name.encode() in content for content in _pages(place).values())


def test_a_damaged_hub_is_listed(place: Path) -> None:
    """A record that cannot be read is a row of its own, and never looks green."""
    damaged = min((place / "hubs/quick").glob("2*"))
    (damaged / "hub.json").write_text('{"schema": 1, "verdict": "green"}')

    built = _build(place)

    index = _pages(place)["index.html"].decode()
    row = next(line for line in index.splitlines() if damaged.name in line)
    assert built.unreadable == 1
    assert 'class="unreadable"' in row
    assert "green" not in row
    assert _build(place).unreadable == 1


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "[]",
        '{"schema": 9, "renderer": "", "rows": [], "pages": []}',
        '{"schema": 1, "renderer": "x", "rows": [{"metrics": {"a": "b"}}], "pages": []}',
    ],
)
def test_a_broken_memory_is_no_harm(place: Path, written: str) -> None:
    """Whatever stands in the cache, the site comes out whole."""
    _build(place)
    whole = _pages(place)
    (place / "out/site.json").write_text(written)

    assert _build(place).rendered == 6
    assert _pages(place) == whole


def test_memory_cannot_remove_files_elsewhere(place: Path) -> None:
    """A page named outside the site by a forged cache is not deleted."""
    _build(place)
    victim = place / "precious.html"
    victim.write_text("mine")
    forged = json.loads((place / "out/site.json").read_text())
    forged["pages"].append("../precious.html")
    (place / "out/site.json").write_text(json.dumps(forged))

    _build(place)

    assert victim.read_text() == "mine"


def test_other_code_renders_all_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new release of the templates does not leave old pages behind."""
    _build(place)
    monkeypatch.setattr(page_cache, "renderer", lambda: "another")

    assert _build(place).rendered == 6


def test_a_killed_build_can_be_repeated(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before its first page or before its index, the next build completes it."""
    _build(place, "whole")
    for stopped in (build.view, build.pages):
        with monkeypatch.context() as patch:
            patch.setattr(stopped, "read_view" if stopped is build.view else "index", _killed)
            with pytest.raises(KeyboardInterrupt):
                _build(place)
        assert not (place / "out/index.html").exists()

    _build(place)

    assert _pages(place) == _pages(place, "whole")


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_foreign_folders_are_refused(place: Path) -> None:
    """A build never writes into the store or among somebody's files."""
    (place / "mine").mkdir()
    (place / "mine/thesis.tex").write_text("x")

    for folder in ("mine", "hubs", "hubs/quick/site"):
        with pytest.raises(ConfigError):
            _build(place, folder)


def test_links_lead_no_page_out_of_the_site(place: Path) -> None:
    """A folder of the site that became a link is refused."""
    _build(place)
    shutil.rmtree(place / "out/trends")
    (place / "elsewhere").mkdir()
    (place / "out/trends").symlink_to(place / "elsewhere")

    with pytest.raises(ConfigError):
        _build(place)
    assert not list((place / "elsewhere").iterdir())


def test_blocker_page_counts_its_runs(tmp_path: Path) -> None:
    """A blocker's page links every run it blocked and says how often it was seen."""
    stores.fill(tmp_path / "hubs", 30)
    _build(tmp_path)

    red = [stores.record(i).run_id for i in range(30) if i % 11 == 4 and i % 3 != 2]
    [page] = (
        p
        for p in _pages(tmp_path).items()
        if b"suite forward-parity is" in p[1] and p[0].startswith("blockers/")
    )
    assert all(run.encode() in page[1] for run in red)
    assert f"<dd>{len(red)} times</dd>".encode() in page[1]


def test_a_store_without_register_still_tells_blockers(place: Path) -> None:
    """Hubs alone are enough: the note of the newest one is shown."""
    shutil.rmtree(place / "hubs/blockers")
    _build(place)

    [page] = [c for n, c in _pages(place).items() if n.startswith("blockers/")]
    assert b"Training and inference disagree on the scale" in page


def test_a_forged_blocker_id_names_no_file(place: Path) -> None:
    """An id that is a path is ignored."""
    hub = reports.write(place / "hubs", reports.red_record())
    note = next((hub / "red").glob("blocked_*.md"))
    note.write_text(note.read_text().replace('id: "B-', 'id: "../../B-'))

    _build(place)

    assert not list(place.glob("B-*"))


def test_an_empty_store_gives_an_index(tmp_path: Path) -> None:
    """Before the first run there is a page that says so."""
    assert _build(tmp_path).hubs == 0
    assert "No run is sealed yet" in (tmp_path / "out/index.html").read_text()


def test_pages_of_runs_are_brought_up_to_date(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more run changes the last page of runs; the site is as if it were built afresh."""
    monkeypatch.setattr(run_list, "NEWEST", 2)
    monkeypatch.setattr(run_list, "PER_PAGE", 4)
    _build(place)
    stores.fill(place / "hubs", 1, first=6)
    _build(place)

    runs = {name: text for name, text in _pages(place).items() if name.startswith("runs/")}
    _build(place, "afresh")
    assert sorted(runs) == ["runs/00001.html", "runs/00002.html"]
    assert runs.items() <= _pages(place, "afresh").items()
