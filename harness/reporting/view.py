"""A hub folder in, everything that a page shows out; renderers read no file themselves."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path, PurePosixPath

from harness import files
from harness.config.project import ReportSpec
from harness.errors import IntegrityError, NotAProjectError
from harness.evidence.hub import plan, series, store
from harness.evidence.hub.series import Series
from harness.files import real_path
from harness.frozen import dataclass
from harness.records import ArtifactRecord, HubRecord, StageRecord
from harness.reporting import captions, changes, rings, text
from harness.reporting.file_list import ListedFile, list_files
from harness.reporting.svg import Chart, Curve

_PICTURE_BUDGET = 1_250_000  # bytes of all embedded pictures, so that a page stays below 2 MB
_TABLE_LIMIT = 4 << 20
_DRAWN = frozenset({".csv", ".json"})
_CURVES_SHOWN = 14
_LOG_LINES, _LOG_BYTES = 30, 64 << 10
_BLOCKER_LIMIT = 256 << 10
_WIDE = 1.8  # width over height
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; ``source`` is a data URI, or ``None`` when it is only linked.

    ``size`` is in bytes, ``extent`` in pixels, width before height; (0, 0) when not known.
    """

    title: str
    path: str
    caption: str
    source: str | None
    size: int
    extent: tuple[int, int] = (0, 0)

    @property
    def is_wide(self) -> bool:
        """Whether it holds several maps side by side, and wants a line of its own."""
        return self.extent[0] > _WIDE * self.extent[1]


@dataclass(frozen=True, slots=True)
class PictureRow:
    """Pictures that belong side by side."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The end of a log; ``is_cut`` when lines before it are not shown."""

    stage: str
    path: str
    lines: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class BlockerNote:
    """A blocker as the hub tells it; ``sections`` are pairs of heading and text."""

    title: str
    path: str
    sections: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleTable:
    """What a gate says of the run: its answer, and the rules that differ from its base's.

    ``rows`` are rule, was, is, class, who waived it, why.
    """

    answer: str
    is_refused: bool
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubView:
    """All that can be told about one hub."""

    record: HubRecord
    hub: str
    changes: changes.Changes | None
    previous: HubRecord | None
    pictures: tuple[PictureRow, ...]
    charts: tuple[Chart, ...]
    excerpts: tuple[Excerpt, ...]
    blockers: tuple[BlockerNote, ...]
    files: tuple[ListedFile, ...]
    next_commands: tuple[str, ...] = field(default=())
    accepted: tuple[str, ...] = ()
    rules: RuleTable | None = None


def read_view(hub: Path) -> HubView:
    """Read everything that a page about a hub shows.

    Raises:
        NotAProjectError: The folder is no hub.
        IntegrityError: Its record is damaged.
    """
    hub = hub.absolute()
    record = store.read_record(hub)
    return of_run(hub, record, _previous(hub, record))


def of_run(hub: Path, record: HubRecord, previous: HubRecord | None) -> HubView:
    """Gather the same about a run whose hub is still being written."""
    hub = hub.absolute()
    report = _report_of(hub)
    compared = None
    if previous is not None:
        folder = hub.parent / previous.run_id
        sources = changes.inputs_of(folder), changes.inputs_of(hub)
        compared = changes.compare(previous, record, sources)
    return HubView(
        record=record,
        hub=f"{hub.parent.parent.name}/{record.suite}/{record.run_id}",
        changes=compared,
        previous=previous,
        pictures=_pictures(hub, record.artifacts, report),
        charts=_charts(hub, record.artifacts, report),
        excerpts=_excerpts(hub, record.stages),
        blockers=_blockers(hub),
        files=list_files(hub),
        next_commands=text.next_commands(record, hub.parent.parent.name),
    )


def _report_of(hub: Path) -> ReportSpec:
    """Return the words that a run's plan holds; none where it cannot be read."""
    try:
        return plan.read_plan(hub).report
    except (NotAProjectError, IntegrityError):
        return ReportSpec()


def _previous(hub: Path, record: HubRecord) -> HubRecord | None:
    if record.previous is None:
        return None
    name = PurePosixPath(record.previous).name
    try:
        return store.read_record(hub.parent / name)
    except (NotAProjectError, IntegrityError):
        return None


def _file_inside(hub: Path, relative: str) -> Path | None:
    """Return a regular file of the hub; ``None`` for links and paths that lead out of it."""
    path = hub / relative
    if path.is_symlink() or not path.is_file():
        return None
    return path if real_path(path).is_relative_to(real_path(hub)) else None


def _read_bounded(path: Path, limit: int) -> bytes:
    """Return the bytes of a file; none where it is too large to be shown or cannot be read."""
    try:
        return files.read_bounded(path, limit)
    except OSError:
        return b""


def _pictures(
    hub: Path, artifacts: Iterable[ArtifactRecord], report: ReportSpec
) -> tuple[PictureRow, ...]:
    pictures = [a for a in artifacts if not a.external and a.path.lower().endswith(".png")]
    names = [PurePosixPath(a.path).name for a in pictures]
    left = _PICTURE_BUDGET
    rows: dict[str, list[Picture]] = {}
    for artifact, name in zip(pictures, names, strict=True):
        path = _file_inside(hub, artifact.path)
        if path is None:
            continue
        is_shared = names.count(name) > 1
        content = _read_bounded(path, left)
        source, extent = None, (0, 0)
        if content.startswith(_PNG):
            left -= len(content)
            extent = struct.unpack(">II", content[16:24].ljust(8, b"\0"))
            source = "data:image/png;base64," + base64.b64encode(content).decode()
        title = artifact.stage if is_shared else _spoken(name)
        row = _spoken(name) if is_shared else _row_of(name, names, artifact.stage, report.rows)
        caption = captions.of_picture(name, report.pictures)
        picture = Picture(title, artifact.path, caption, source, artifact.size, extent)
        rows.setdefault(row, []).append(picture)
    return tuple(PictureRow(title, tuple(row)) for title, row in rows.items())


def _row_of(name: str, names: list[str], stage: str, quantities: Iterable[str]) -> str:
    """Put pictures of one quantity side by side: found, truth and difference."""
    for quantity in quantities:
        alike = {other for other in names if quantity in other.lower()}
        if name in alike and len(alike) > 1:
            return f"{stage}: {quantity}"
    return stage


def _spoken(name: str) -> str:
    return re.sub(r"[_\-.]+", " ", PurePosixPath(name).stem).strip()


def _charts(
    hub: Path, artifacts: Iterable[ArtifactRecord], report: ReportSpec
) -> tuple[Chart, ...]:
    drawn: list[Chart] = []
    for artifact in artifacts:
        path = _file_inside(hub, artifact.path)
        if artifact.external or path is None or path.suffix not in _DRAWN:
            continue
        content = _read_bounded(path, _TABLE_LIMIT)
        if path.suffix == ".csv":
            drawn += _charts_of(content.decode(errors="replace"), report)
        elif (chart := rings.chart(content, report)) is not None:
            drawn.append(chart)
    return tuple(drawn[:_CURVES_SHOWN])


def _charts_of(table: str, report: ReportSpec) -> list[Chart]:
    """Turn a table over ``epoch`` or ``step`` into charts, training beside validation."""
    columns: dict[str, list[Series]] = {}
    for column in series.of_table(table):
        group = re.sub(r"^(train|val|valid|test)_", "", column.name)
        columns.setdefault(group, []).append(column)
    return [
        Chart(
            _spoken(name),
            group[0].axis,
            tuple(Curve(column.name, column.points) for column in group),
            captions.of_chart(name, report.charts),
        )
        for name, group in columns.items()
    ]


def _excerpts(hub: Path, stages: Iterable[StageRecord]) -> tuple[Excerpt, ...]:
    excerpts = []
    for stage in stages:
        path = _file_inside(hub, stage.log) if stage.log else None
        if path is None or stage.log is None:
            continue
        lines, is_cut = tail(path)
        excerpts.append(Excerpt(stage.id, stage.log, lines, is_cut))
    return tuple(excerpts)


def tail(path: Path, count: int = _LOG_LINES) -> tuple[tuple[str, ...], bool]:
    """Return the last lines of a log, made safe to show, and whether more came before."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _LOG_BYTES))
        lines = stream.read().decode("utf-8", errors="replace").splitlines()
    is_cut = size > _LOG_BYTES or len(lines) > count
    return tuple(text.visible(line) for line in lines[-count:]), is_cut


def _blockers(hub: Path) -> tuple[BlockerNote, ...]:
    notes = []
    red = hub / "red"
    for path in () if red.is_symlink() else sorted(red.glob("blocked_*.md")):
        safe = _file_inside(hub, f"red/{path.name}")
        written = b"" if safe is None else _read_bounded(safe, _BLOCKER_LIMIT)
        if written:
            notes.append(note(f"red/{path.name}", written.decode(errors="replace")))
    return tuple(notes)


def note(path: str, written: str) -> BlockerNote:
    """Split a note at its headings; the text below ``Issue`` is its title."""
    body = re.sub(r"\A---\n.*?\n---\n", "", written, count=1, flags=re.DOTALL)
    pieces = _split_outside_fences(body)
    named = zip(pieces[1::2], pieces[2::2], strict=True)
    sections = [(text.visible(head), _without_fences(words)) for head, words in named]
    title = next((words for head, words in sections if head == "Issue"), _spoken(path))
    paragraphs = tuple(pair for pair in sections if pair[0] != "Issue" and pair[1])
    return BlockerNote(text.visible(title).replace("`", ""), path, paragraphs)


def _split_outside_fences(body: str) -> list[str]:
    """Return the text before the first heading, then each heading and the text below it.

    A log in a fence may hold lines that look like headings: they stay text.
    """
    pieces, fence = [""], ""
    for line in body.splitlines(keepends=True):
        mark = re.match(r"`{3,}", line)
        heading = re.match(r"#{1,2} +(.+)$", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif mark:
            fence = mark[0]
        if heading and not fence:
            pieces += [heading[1].strip(), ""]
        else:
            pieces[-1] += line
    return pieces


def _without_fences(words: str) -> str:
    lines = (line for line in words.strip().splitlines() if not line.startswith("```"))
    return "\n".join(text.visible(line) for line in lines).strip()
