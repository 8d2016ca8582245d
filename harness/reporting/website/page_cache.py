"""What a site remembers of its last build, so that only new hubs are rendered.

The file lies in the site itself. It is a cache: unreadable, edited or of another release, it
is dropped and everything is rendered again.
"""

from __future__ import annotations

import json
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import IntegrityError
from harness.frozen import dataclass
from harness.records import decode, encode
from harness.reporting.website.rows import Row

FILE = "site.json"
_SCHEMA = 1
_LARGEST = 256 << 20
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCache:
    """Rows of the last build and every page it wrote; ``renderer`` names the code that did.

    ``models`` says, by their pages, what those of the models were made of.
    """

    schema: int = _SCHEMA
    renderer: str = ""
    rows: tuple[Row, ...] = ()
    pages: tuple[str, ...] = ()
    models: dict[str, str] = field(default_factory=dict)


def renderer() -> str:
    """Digest the templates and modules that make pages: another digest, other pages."""
    kinds = {".py", ".j2", ".css", ".js"}
    sources = sorted(p for p in _PACKAGE.rglob("*") if p.suffix in kinds)
    parts = [f"{p.relative_to(_PACKAGE).as_posix()} {files.sha256_file(p)}" for p in sources]
    return files.sha256_bytes("\n".join(parts).encode())


def read_cache(folder: Path) -> PageCache:
    """Read the memory of a site; nothing is remembered where it is unreadable."""
    path = folder / FILE
    try:
        # A site is copied and unpacked from anywhere: no link is followed, and no size
        # believed.
        value: Any = json.loads(files.read_bounded(path, _LARGEST))
        cache = _decode_cache(value)
    except (OSError, ValueError, RecursionError, IntegrityError):
        return PageCache()
    is_ours = cache.schema == _SCHEMA and all(_is_inside(page) for page in cache.pages)
    return cache if is_ours else PageCache()


def _decode_cache(value: Any) -> PageCache:
    """Read a memory strictly; the numbers of rows are many and so checked by a short loop.

    Raises:
        IntegrityError: It is not what ``write`` writes.
    """
    listed = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise _damage("no list of rows")
    cache = decode(PageCache, {**value, "rows": []}, FILE)
    return replace(cache, rows=tuple(_row(row) for row in listed))


def _row(value: dict[str, Any]) -> Row:
    metrics, bands = value.pop("metrics", None), value.pop("bands", None)
    if not isinstance(metrics, dict) or not all(map(_is_number, metrics.values())):
        raise _damage("metrics that are no numbers")
    if not isinstance(bands, dict) or not all(map(_is_band, bands.values())):
        raise _damage("bands that are no pairs")
    pairs: dict[str, tuple[float | None, ...]] = {name: tuple(b) for name, b in bands.items()}
    return replace(decode(Row, value, FILE), metrics=metrics, bands=pairs)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_band(value: Any) -> bool:
    is_pair = isinstance(value, list) and len(value) == len(("low", "high"))
    return is_pair and all(bound is None or _is_number(bound) for bound in value)


def _damage(found: str) -> IntegrityError:
    return IntegrityError(
        FILE, found=found, expected="what a build remembers", remedy="Delete the file."
    )


def write(folder: Path, memory: PageCache) -> None:
    """Write the memory of a site, the last thing of a build."""
    value = {
        **encode(replace(memory, rows=())),
        "rows": [{f.name: getattr(row, f.name) for f in fields(Row)} for row in memory.rows],
    }
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    files.write_text(folder / FILE, text + "\n")


def _is_inside(page: str) -> bool:
    parts = page.split("/")
    return not page.startswith("/") and ".." not in parts and page.endswith((".html", ".xml"))
