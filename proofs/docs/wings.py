"""The wings of the harness and the imports between them, as figures and as a picture."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path

from proofs.docs import regions

ROOT = regions.DOCS.parent
PICTURE = regions.DOCS / "pictures/structure.svg"
_WIDE, _HIGH, _GAP, _LEFT = 196, 52, 46, 24
_FITS = 30  # characters of a line in a box
_FONT = 'font-family="system-ui, sans-serif"'


def layers(package: str = "harness") -> list[list[str]]:
    """Return the layers of a package, from the top, as its import contract says them."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = declared["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one.get("containers") == [package])
    return [layer.split(" | ") for layer in contract["layers"]]


def rooms(package: str = "harness") -> list[str]:
    """Name what stands at the top of a package."""
    inside = sorted((ROOT / package).iterdir())
    return [p.stem for p in inside if _is_room(p) and p.name != "__init__.py"]


def _is_room(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").is_file()


def arrows(package: str = "harness") -> Counter[tuple[str, str]]:
    """Count the import statements that lead from one room at the top to another."""
    counts: Counter[tuple[str, str]] = Counter()
    known = set(rooms(package))
    for path in (ROOT / package).rglob("*.py"):
        here = path.relative_to(ROOT / package).with_suffix("").parts[0]
        for target in _targets(path, package):
            if here in known and target in known and target != here:
                counts[here, target] += 1
    return counts


def _targets(path: Path, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            head, _, rest = node.module.partition(".")
            if head == package:
                yield from [rest.split(".")[0]] if rest else [name.name for name in node.names]


def figures() -> str:
    """Say in a sentence how many rooms and arrows there are."""
    level = {name: depth for depth, layer in enumerate(layers()) for name in layer}
    pairs = arrows()
    upward = sum(level[a] >= level[b] for a, b in pairs)
    return (
        f"{len(rooms())} rooms at the top of `harness/`, {len(pairs)} arrows between them, "
        f"{upward} of them upward or sideways."
    )


def draw() -> str:
    """Draw the layers as rows of boxes and the imports as lines, the thicker the more."""
    stack = layers()
    width = _LEFT * 2 + max(map(len, stack)) * (_WIDE + _GAP) + 120
    height = _LEFT * 2 + len(stack) * (_HIGH + _GAP) - _GAP
    at = {}
    for row, layer in enumerate(stack):
        span = len(layer) * _WIDE + (len(layer) - 1) * _GAP * 2
        for column, name in enumerate(layer):
            x = (width - span) / 2 + column * (_WIDE + _GAP * 2)
            at[name] = (x, _LEFT + row * (_HIGH + _GAP))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The wings of harness/ and the imports between them</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *(_line(at[a], at[b], count) for (a, b), count in sorted(arrows().items())),
        *(_box(name, *place) for name, place in at.items()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _line(start: tuple[float, float], end: tuple[float, float], count: int) -> str:
    x0, y0 = start[0] + _WIDE / 2, start[1] + _HIGH
    x1, y1 = end[0] + _WIDE / 2, end[1]
    # Lines that pass a row go around its boxes, so that a line is never taken for a stop.
    far = (y1 - y0) / (_HIGH + _GAP)
    aside = (1 if (x0 + x1) >= 2 * x0 else -1) * _WIDE * 0.32 * max(0.0, far - 0.5)
    thick = min(4.0, 0.6 + count / 12)
    return (
        f'<path d="M{x0:.0f} {y0:.0f} C{x0 + aside:.0f} {y0 + 30:.0f} '
        f'{x1 + aside:.0f} {y1 - 30:.0f} {x1:.0f} {y1:.0f}" fill="none" '
        f'stroke="#5b7ea6" stroke-opacity="0.55" stroke-width="{thick:.1f}"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    inside = ROOT / "harness" / name
    words = "one module"
    if inside.is_dir():
        held = sorted(p.name for p in inside.iterdir() if p.is_dir() and _is_room(p))
        words = ", ".join(held) or "modules"
        words = words if len(words) <= _FITS else f"{words[: words.rfind(',', 0, _FITS)]} …"
    middle = x + _WIDE / 2
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDE}" height="{_HIGH}" rx="6" '
        f'fill="#f3f6fa" stroke="#2d4a6b"/>'
        f'<text x="{middle:.0f}" y="{y + 22:.0f}" text-anchor="middle" {_FONT} '
        f'font-size="16" font-weight="600" fill="#14202e">{escape(name)}</text>'
        f'<text x="{middle:.0f}" y="{y + 40:.0f}" text-anchor="middle" {_FONT} '
        f'font-size="11" fill="#44566b">{escape(words)}</text>'
    )
