"""Kind ``image``: a picture that is not blank, not constant and not text."""

from __future__ import annotations

import math
from collections import Counter

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import options, png
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.png import Image
from harness.records import GuardResult
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """The parameters of kind ``image``."""

    artifact: str = key("Id of a PNG artifact.")
    min_levels: int = key("Least number of grey levels.", default=8)
    level_share: float = key(
        "Least share of the pixels that a grey level covers to count.", default=0.0
    )
    max_flat: float = key("Largest share of pixels of one level.", default=0.9)
    min_size: int = key("Least width and height.", default=1, unit="px")
    min_spread: float = key(
        "Least standard deviation of a tile.", default=1.0, unit="grey levels"
    )
    tile: int | None = key(
        "Side of a tile; without it the picture is judged as a whole.",
        default=None,
        unit="px",
        low=1,
    )
    separator: int = key("Width of the lines between tiles.", default=0, unit="px")
    tiles: int = key("Least number of tiles.", default=1)


class ImageGuard:
    """A PNG artifact that shows something.

    ``min_levels`` grey levels in all, of which each covers a ``level_share`` of the pixels
    (above 0, a colour bar beside an empty map does not count); at most a ``max_flat`` share of
    pixels of one level (a rendered line of text leaves more background than that);
    ``min_size`` in pixels per side; with ``tile`` and ``separator`` in pixels every tile
    spreads by ``min_spread`` grey levels (population standard deviation), and there are
    ``tiles`` of them.
    """

    kind = "image"
    options = ImageOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require an artifact, and a tile size where tiles are spoken of.

        Raises:
            ConfigError: A tile option without ``tile``.
        """
        options.read(ImageOptions, spec)
        for name in ("separator", "tiles"):
            if name in spec.options and "tile" not in spec.options:
                raise options.error(spec, "tile", "nothing", f"a size, for {name} is given")

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red for a file that is no picture, and for a picture that shows nothing."""
        wanted = options.read(ImageOptions, spec)
        content = evidence.read(wanted.artifact, png.FILE_LIMIT)
        expected = "a picture with grey levels that spread"
        try:
            image = png.decode(content)
        except png.ImageError as error:
            return result(spec, Verdict.RED, str(error), expected, f"it is {error}")
        summary = f"{image.width} × {image.height} pixels, {len(set(image.levels))} grey levels"
        problem = blankness(image, wanted) or _tiles(image, wanted)
        verdict = Verdict.RED if problem else Verdict.GREEN
        return result(spec, verdict, summary, expected, problem)


def blankness(image: Image, wanted: ImageOptions) -> str:
    """Say in what way the whole picture is blank, or return an empty string."""
    counts = Counter(image.levels)
    share = counts.most_common(1)[0][1] / len(image.levels)
    if min(image.width, image.height) < wanted.min_size:
        return f"it has {image.width} × {image.height} pixels"
    if len(counts) == 1:
        return "it is constant"
    least = wanted.level_share * len(image.levels)
    levels = sum(count >= least for count in counts.values())
    if levels < wanted.min_levels:
        return f"it has {levels} grey levels only"
    if share > wanted.max_flat:
        return f"{share:.0%} of it is one level: a blank or a line of text"
    return ""


def spread(levels: bytes) -> float:
    """Return the population standard deviation of grey levels."""
    counts = Counter(levels)
    total = sum(counts.values())
    mean = sum(level * count for level, count in counts.items()) / total
    return math.sqrt(sum(n * (level - mean) ** 2 for level, n in counts.items()) / total)


def _tiles(image: Image, wanted: ImageOptions) -> str:
    if wanted.tile is None:
        return ""
    tile, gap = wanted.tile, wanted.separator
    # n tiles have n − 1 lines between them.
    columns, rows = ((side + gap) // (tile + gap) for side in (image.width, image.height))
    if columns * rows < wanted.tiles:
        return f"it has {columns * rows} tiles"
    flat = []
    for row in range(rows):
        for column in range(columns):
            top, left = row * (tile + gap), column * (tile + gap)
            window = image.rows(top, top + tile, left, left + tile)
            if spread(window) < wanted.min_spread:
                flat.append(f"({row}, {column})")
    return (
        f"{len(flat)} of {columns * rows} tiles are flat: {', '.join(flat[:4])}" if flat else ""
    )
