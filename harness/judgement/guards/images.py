"""Kind ``image``: a picture that is not blank, not constant and not text."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from harness.config.project import GuardSpec
from harness.judgement.guards import options, png
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.options import Option
from harness.judgement.guards.png import Image
from harness.records import GuardResult
from harness.verdict import Verdict

_MIN_LEVELS = 8
_MAX_FLAT = 0.9
_MIN_SPREAD = 1.0


class ImageGuard:
    """A PNG artifact that shows something.

    ``min_levels`` grey levels in all, of which each covers a ``level_share`` of the pixels (0;
    above it, a colour bar beside an empty map does not count); at most a ``max_flat`` share of
    pixels of one level (a rendered line of text leaves more background than that);
    ``min_size`` in pixels per side; with ``tile`` and ``separator`` in pixels every tile
    spreads by ``min_spread`` grey levels (population standard deviation), and there are
    ``tiles`` of them.
    """

    kind = "image"
    options = (
        Option("artifact", required=True),
        Option("min_levels", "integer"),
        Option("level_share", "number"),
        Option("max_flat", "number"),
        Option("min_size", "integer"),
        Option("min_spread", "number"),
        Option("tile", "integer"),
        Option("separator", "integer"),
        Option("tiles", "integer"),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require an artifact, and a tile size where tiles are spoken of.

        Raises:
            ConfigError: A tile option without ``tile``, or one that is not positive.
        """
        options.check(spec, self.options)
        for name in ("separator", "tiles"):
            if name in spec.options and "tile" not in spec.options:
                raise options.error(spec, "tile", "nothing", f"a size, for {name} is given")
        if spec.options.get("tile", 1) < 1:
            raise options.error(spec, "tile", str(spec.options["tile"]), "at least 1")

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red for a file that is no picture, and for a picture that shows nothing."""
        content = evidence.read(spec.options["artifact"], png.FILE_LIMIT)
        expected = "a picture with grey levels that spread"
        try:
            image = png.decode(content)
        except png.ImageError as error:
            return result(spec, Verdict.RED, str(error), expected, f"it is {error}")
        found = f"{image.width} × {image.height} pixels, {len(set(image.levels))} grey levels"
        trouble = blankness(image, spec.options) or _tiles(image, spec.options)
        verdict = Verdict.RED if trouble else Verdict.GREEN
        return result(spec, verdict, found, expected, trouble)


def blankness(image: Image, choices: dict[str, Any]) -> str:
    """Say in what way the whole picture is blank, or return an empty string."""
    counts = Counter(image.levels)
    share = counts.most_common(1)[0][1] / len(image.levels)
    if min(image.width, image.height) < choices.get("min_size", 1):
        return f"it has {image.width} × {image.height} pixels"
    if len(counts) == 1:
        return "it is constant"
    least = choices.get("level_share", 0.0) * len(image.levels)
    levels = sum(count >= least for count in counts.values())
    if levels < choices.get("min_levels", _MIN_LEVELS):
        return f"it has {levels} grey levels only"
    if share > choices.get("max_flat", _MAX_FLAT):
        return f"{share:.0%} of it is one level: a blank or a line of text"
    return ""


def spread(levels: bytes) -> float:
    """Return the population standard deviation of grey levels."""
    counts = Counter(levels)
    total = sum(counts.values())
    mean = sum(level * count for level, count in counts.items()) / total
    return math.sqrt(sum(n * (level - mean) ** 2 for level, n in counts.items()) / total)


def _tiles(image: Image, choices: dict[str, Any]) -> str:
    if "tile" not in choices:
        return ""
    tile, gap = choices["tile"], choices.get("separator", 0)
    columns, rows = ((side + gap) // (tile + gap) for side in (image.width, image.height))
    if columns * rows < choices.get("tiles", 1):
        return f"it has {columns * rows} tiles"
    flat = []
    for row in range(rows):
        for column in range(columns):
            top, left = row * (tile + gap), column * (tile + gap)
            window = image.rows(top, top + tile, left, left + tile)
            if spread(window) < choices.get("min_spread", _MIN_SPREAD):
                flat.append(f"({row}, {column})")
    return (
        f"{len(flat)} of {columns * rows} tiles are flat: {', '.join(flat[:4])}" if flat else ""
    )
