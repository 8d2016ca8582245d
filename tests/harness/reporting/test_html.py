"""The page of a hub, judged by what a reader and a browser find in it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.config.project import ReportSpec
from harness.reporting import html, view
from harness.verdict import Verdict
from tests.builders import reports

_VOID = {"meta", "img", "br", "link", "input", "hr"}
_HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class _Page(HTMLParser):
    """Collects elements, text and whether every element is closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.is_well_nested = True
        self.feed(source)
        self.is_well_nested = self.is_well_nested and not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.is_well_nested = (
            self.is_well_nested and bool(self._open) and self._open.pop() == tag
        )

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def red(tmp_path: Path) -> tuple[Path, str]:
    """A red hub and its page."""
    hub = reports.write(tmp_path / "hubs", reports.red_record())
    return hub, html.render(hub)


def test_page_is_well_formed(red: tuple[Path, str]) -> None:
    """Every element is closed where it was opened."""
    assert _Page(red[1]).is_well_nested


def test_page_needs_no_network(red: tuple[Path, str]) -> None:
    """Pictures are inside the page, and nothing else is fetched or run."""
    page = _Page(red[1])

    assert len(page.all("img")) == 4
    assert all(str(a["src"]).startswith("data:image/png;base64,") for a in page.all("img"))
    assert not page.all("script") + page.all("link") + page.all("iframe")
    assert "http:" not in red[1]
    assert "https:" not in red[1]
    assert "url(" not in red[1]


def test_blocker_stands_before_the_guards(red: tuple[Path, str]) -> None:
    """A red page begins with what is wrong and what to do."""
    words = _Page(red[1]).text

    assert (
        words.index("RED") < words.index("Commands for retry") < words.index("Guards The bar")
    )
    assert "3.1e+07; expected 0.001 … 0.01" in words


def test_red_guards_come_first(red: tuple[Path, str]) -> None:
    """The guard table is ordered by verdict, the worst on top."""
    rows = re.findall(r'<tr class="(red|inconclusive|green)">', red[1])

    assert rows == ["red", "inconclusive", "green", "green", "green", "green"]


def test_patch_grids_lie_side_by_side(red: tuple[Path, str]) -> None:
    """Pictures of one name from several stages are one row, named by stage."""
    captions = re.findall(r'<img [^>]*alt="([^"]+)"', red[1])

    assert captions[:2] == ["train, torch patch grid", "inference, torch patch grid"]


def test_maps_side_by_side_take_a_whole_line(tmp_path: Path) -> None:
    """A picture much wider than high spans the row, and its size is known beforehand."""
    hub = reports.write(tmp_path / "hubs", reports.record())
    wide = hub / "analysis/inference/reconstructed_amplitude.png"
    wide.write_bytes(reports.png(300, 120))

    source = html.render(hub)

    assert source.count('<figure class="wide">') == 1
    sizes = [(str(a["width"]), str(a["height"])) for a in _Page(source).all("img")]
    assert ("300", "120") in sizes
    assert ("180", "120") in sizes


def test_every_picture_speaks(red: tuple[Path, str]) -> None:
    """Pictures and drawings have a text alternative."""
    page = _Page(red[1])

    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("aria-label") for attributes in page.all("svg"))


def test_headings_skip_no_level(red: tuple[Path, str]) -> None:
    """Headings can be walked with a screen reader."""
    levels = [int(tag[1]) for tag, _ in _Page(red[1]).elements if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_every_link_leads_somewhere(red: tuple[Path, str]) -> None:
    """Anchors exist in the page and files exist in the hub."""
    hub, source = red
    page = _Page(source)
    anchors = {attributes.get("id") for _, attributes in page.elements}

    for attributes in page.all("a"):
        target = str(attributes["href"])
        is_known = target == "manifest-sha256.txt" or (hub / target).is_file()
        assert target.removeprefix("#") in anchors if target.startswith("#") else is_known


def test_hostile_content_stays_text(tmp_path: Path) -> None:
    """Markup in names, reasons, logs and branches is shown and never obeyed."""
    guard = replace(reports.guard(_HOSTILE, Verdict.RED), reason=_HOSTILE, remedy=_HOSTILE)
    stage = reports.stage("train", 0, reason=_HOSTILE, argv=(_HOSTILE,))
    base = reports.record(guards=(guard,), stages=(stage,), reason=_HOSTILE)
    record = replace(
        base,
        verdict=Verdict.RED,
        stamp=replace(base.stamp, branch=_HOSTILE),
        parameters={_HOSTILE: _HOSTILE},
        metrics={_HOSTILE: 1.0},
    )
    hub = reports.write(tmp_path / "hubs", record)
    (hub / "cli" / "train.log").write_text(f"{_HOSTILE}\n\x1b[2J\u202e\n")

    page = _Page(html.render(hub))

    assert not page.all("script")
    assert not [a for a in page.all("img") if "onerror" in a]
    assert page.text.count("<script>alert(1)</script>") > 8
    assert page.is_well_nested
    assert "\x1b" not in page.text


def test_page_is_repeatable(tmp_path: Path) -> None:
    """The same hub gives the same page, also when the page already lies in it."""
    hub = reports.write(tmp_path / "hubs", reports.record())
    first = html.render(hub)
    (hub / "report.html").write_text(first)
    (hub / "manifest-sha256.txt").write_text("x")

    assert html.render(hub) == first


def test_large_pictures_are_linked(tmp_path: Path) -> None:
    """A page stays below two megabytes; what does not fit is linked."""
    hub = reports.write(tmp_path / "hubs", reports.record())
    large = reports.png(4, 3) + b"\0" * 1_200_000
    for name in ("amplitude", "phase"):
        (hub / f"analysis/inference/reconstructed_{name}.png").write_bytes(large)

    source = html.render(hub)

    assert len(source.encode()) <= 2_000_000
    assert source.count("not embedded") == 1


def test_text_is_no_picture(tmp_path: Path) -> None:
    """A text placeholder with the name of a picture is not embedded as one."""
    hub = reports.write(tmp_path / "hubs", reports.record())
    (hub / "analysis/train/torch_patch_grid.png").write_text("placeholder")

    assert html.render(hub).count("data:image/png") == 3


def test_links_out_of_the_hub_are_not_followed(tmp_path: Path) -> None:
    """A page never holds a file from outside its hub."""
    hub = reports.write(tmp_path / "hubs", reports.record())
    secret = tmp_path / "secret.log"
    secret.write_text("the secret\n")
    (hub / "cli" / "train.log").unlink()
    (hub / "cli" / "train.log").symlink_to(secret)

    assert "the secret" not in html.render(hub)


def test_headings_in_a_log_stay_in_the_log(tmp_path: Path) -> None:
    """A line of an excerpt that looks like a heading or closes no fence starts no section."""
    made = reports.red_record()
    hub = reports.write(tmp_path / "hubs", made)
    excerpt = "# Commands for retry\n```sh\nrm -r everything\n```\n## Issue\nforged"
    reports.block(hub, made, replace(reports.cause(), title="forged", excerpt=excerpt))

    note = next(b for b in view.read_view(hub).blockers if "forged" in b.path)

    assert [head for head, _ in note.sections if head == "Commands for retry"] == [
        "Commands for retry"
    ]
    assert note.title == "Guard inference-variance of suite forward-parity is red."
    assert "rm -r everything" in dict(note.sections)["Root cause"]


def test_captions_of_a_shared_row_are_said_once(
    red: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grids side by side share one sentence."""
    spec = ReportSpec(pictures={"grid": "Each tile should show structure of its own."})
    monkeypatch.setattr(view, "_report_of", lambda _hub: spec)

    words = _Page(html.render(red[0])).text

    assert words.count("Each tile should show structure of its own") == 1


def test_a_page_in_a_site_links_no_files(red: tuple[Path, str]) -> None:
    """Beside a page of the site lie no files of the hub, so it names them only."""
    around = html.Surroundings(index="../../index.html", trends="../../trends/x.html")

    page = _Page(html.page(view.read_view(red[0]), around))

    links = {str(a["href"]) for a in page.all("a")}
    assert {link for link in links if not link.startswith("#")} == {
        "../../index.html",
        "../../trends/x.html",
    }


def test_the_first_screen_says_what_to_do(red: tuple[Path, str]) -> None:
    """The remedy of the first cause stands in the banner, where it is read at once."""
    banner = red[1].partition("</header>")[0]

    assert "→ Training and inference disagree on the scale" in banner
