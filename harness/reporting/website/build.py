"""The road from a store to its site: read what is new, render it, write what changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from harness import files
from harness.errors import ConfigError, IntegrityError, NotAProjectError, StorageError
from harness.evidence.hub import layout
from harness.evidence.hub.store import HubStore
from harness.files import real_path
from harness.frozen import dataclass
from harness.reporting import html, view
from harness.reporting.html import Surroundings
from harness.reporting.website import blocked, feed, models, page_cache, pages, rows, run_list
from harness.reporting.website.models import Judge, Model
from harness.reporting.website.page_cache import PageCache
from harness.reporting.website.rows import Row

_LARGEST_RECORD = 16 << 20


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """What a build did: hubs in the site, pages of hubs made and removed, hubs unreadable."""

    hubs: int
    rendered: int
    removed: int
    unreadable: int


@dataclasses.dataclass(slots=True)
class _Site:
    """A site while it is built; ``pages`` is every page that belongs to it."""

    folder: Path
    project: str
    pages: set[str] = field(default_factory=set)

    def put(self, page: str, content: str) -> None:
        """Write a page, unless it is there already as it should be."""
        path = self.folder / page
        self.pages.add(page)
        encoded = content.encode(errors="backslashreplace")
        if path.is_file() and not path.is_symlink() and path.read_bytes() == encoded:
            return
        files.write_bytes(_parent(path, self.folder) / path.name, encoded)

    def keep(self, page: str) -> bool:
        """Say whether a page of an earlier build is still there, and keep it."""
        is_there = (self.folder / page).is_file()
        if is_there:
            self.pages.add(page)
        return is_there


def build(
    project: str,
    store: HubStore,
    folder: Path,
    address: str = "",
    judge: Judge | None = None,
) -> SiteSummary:
    """Build the site of a store, or bring it up to date; only what is new is rendered.

    Killed at any moment, the next build completes it: what is remembered is written last.

    Args:
        project: Name of the project, for titles.
        store: The hubs.
        folder: Where the site is, or is going to be.
        address: Where it is published, for the links of the feed.
        judge: How the runs of the newest models are proved again; without it none is.

    Raises:
        ConfigError: The folder holds something else, or lies in the store.
        StorageError: The disk refused.
    """
    _refuse_foreign(folder, store.root)
    before = page_cache.read_cache(folder)
    if not before.pages:
        _mark(folder)
    renderer = page_cache.renderer()
    known = {r.place: r for r in before.rows} if before.renderer == renderer else {}
    site = _Site(folder, project)
    listed, rendered = [], 0
    for hub in store.hubs():
        row, is_new = _row(site, hub, known.get(f"hubs/{hub.parent.name}/{hub.name}.html"))
        listed.append(row)
        rendered += is_new and row.is_readable
    _trends(site, listed, known)
    _runs(site, listed, known)
    made = models.gather(run_list.newest_first(listed))
    known_models = before.models if known else {}
    model_keys = _models(site, made, known_models, store, judge)
    entries = blocked.gather(store.root, listed)
    for entry in entries:
        site.put(entry.place, pages.blocker(project, entry))
    site.put("index.html", pages.index(project, listed, entries, made))
    site.put(feed.FILE, feed.render(project, listed, address))
    gone = [page for page in before.pages if page not in site.pages]
    for page in gone:
        (folder / page).unlink(missing_ok=True)
    after = PageCache(
        renderer=renderer,
        rows=tuple(listed),
        pages=tuple(sorted(site.pages)),
        models=model_keys,
    )
    if after != before:
        page_cache.write(folder, after)
    return SiteSummary(
        hubs=len(listed),
        rendered=rendered,
        removed=sum(page.startswith("hubs/") for page in gone),
        unreadable=sum(not row.is_readable for row in listed),
    )


def _mark(folder: Path) -> None:
    """Make a folder a site before its first page, so that a killed build can be repeated."""
    page_cache.write(_parent(folder / page_cache.FILE, folder), PageCache())


def _row(site: _Site, hub: Path, known: Row | None) -> tuple[Row, bool]:
    """Return the row of a hub, rendering its page when it is not the one that is known."""
    digest = _digest(hub)
    is_known = known is not None and known.digest == digest
    if known is not None and is_known and (not known.is_readable or site.keep(known.place)):
        return known, False
    try:
        hub_view = view.read_view(hub)
    except (IntegrityError, NotAProjectError) as error:
        return rows.make_damaged_row(hub, digest, error), True
    row = rows.make_row(hub, hub_view.record, digest)
    around = Surroundings(
        index="../../index.html",
        trends=f"../../trends/{row.suite}.html",
        blockers=tuple((name, f"../../blockers/{name}.html") for name in row.blockers),
        models=tuple((f"{sha[:12]}…", f"../../{models.place(sha)}") for sha in row.models),
    )
    site.put(row.place, html.page(hub_view, around))
    return row, True


def _digest(hub: Path) -> str:
    """Digest a hub's record; damage gives a digest of its own, never that of a good one."""
    path = hub / layout.RECORD
    try:
        return files.sha256_bytes(files.read_bounded(path, _LARGEST_RECORD))
    except OSError:
        return "no record"


def _trends(site: _Site, listed: Sequence[Row], known: dict[str, Row]) -> None:
    """Draw the trends of the suites in which a run came or went."""
    for suite in sorted({row.suite for row in listed}):
        here = [row for row in listed if row.suite == suite]
        before = [row for row in known.values() if row.suite == suite]
        page = f"trends/{suite}.html"
        if here != before or not site.keep(page):
            site.put(page, pages.trends(site.project, suite, here))


def _runs(site: _Site, listed: Sequence[Row], known: dict[str, Row]) -> None:
    """Write the pages of runs in which one came or went."""
    before = {page.place: page.rows for page in run_list.pages(list(known.values()))}
    for page in run_list.pages(listed):
        if page.rows != before.get(page.place) or not site.keep(page.place):
            site.put(page.place, pages.runs(site.project, page))


def _models(
    site: _Site,
    made: Sequence[Model],
    known: dict[str, str],
    store: HubStore,
    judge: Judge | None,
) -> dict[str, str]:
    """Write the pages of models of which something new is known, and of the newest."""
    logged = models.read_logged(store) if made else {}
    keys = {}
    for model in made:
        keys[model.place] = key = models.identify(model, logged)
        if model.is_judged or known.get(model.place) != key or not site.keep(model.place):
            makers = list(models.read_makers(model, store.root, logged, judge))
            site.put(model.place, pages.model(site.project, model, makers))
    return keys


def _refuse_foreign(folder: Path, hubs: Path) -> None:
    """Refuse a folder that a build must not write into.

    Raises:
        ConfigError: It lies in the store of hubs, or holds files but no site.
    """
    inside = real_path(folder.absolute()).is_relative_to(real_path(hubs))
    is_foreign = (
        folder.is_dir() and not (folder / page_cache.FILE).is_file() and _is_used(folder)
    )
    if inside or is_foreign or (folder.exists() and not folder.is_dir()):
        raise ConfigError(
            str(folder),
            found="the store of hubs" if inside else "something that is no site",
            expected="an empty folder, a new one, or a site made by this command",
            remedy="Name another folder with --site.",
        )


def _is_used(folder: Path) -> bool:
    """Say whether a folder holds anything but dot files, such as those of git."""
    return any(not path.name.startswith(".") for path in folder.iterdir())


def _parent(path: Path, folder: Path) -> Path:
    """Make the folder of a page; links in the site are not followed out of it.

    Raises:
        ConfigError: A folder of the site is a link to elsewhere.
        StorageError: The disk refused.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            str(path.parent),
            found=error.strerror or str(error),
            expected="a writable place",
            remedy="Free space or fix the permissions, then run again.",
        ) from error
    if not real_path(path.parent).is_relative_to(real_path(folder)):
        raise ConfigError(
            str(path.parent),
            found="a link out of the site",
            expected="a folder of the site",
            remedy="Remove the link and build again.",
        )
    return path.parent
