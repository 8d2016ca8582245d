"""Kind ``rendering``: a picture that shows its array, and the right way round."""

from __future__ import annotations

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import lattice, metrics, options, pairs, png, series
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.lattice import Cells
from harness.records import GuardResult
from harness.verdict import Verdict

# How often another orientation may seem to fit as well: rounding of the cells, not of the map.
_SLACK = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingOptions:
    """The parameters of kind ``rendering``."""

    artifact: str = key("Id of a PNG artifact.")
    array: str = key("Path expression of the array of rows and columns.", is_metric=True)
    mask: str | None = key(
        "Path expression of an array of its shape that is not zero where it is drawn.",
        default=None,
        is_metric=True,
    )
    panel: int = key("Which map of the picture, from 0.", default=0, low=0)
    unlike: tuple[str, ...] = key(
        "Path expressions of arrays that it must show less than `array`.",
        default=(),
        is_metric=True,
    )
    min: float = key(
        "Least share of the picture's variance that the array explains.",
        default=0.8,
        low=0,
        high=1,
    )
    period: float | None = key(
        "Values that differ by it are the same, as 6.283185307179586 of a phase.",
        default=None,
        above=0,
    )
    rising: bool = key("Higher values are brighter.", default=False)
    missing: str = pairs.declare_missing()


class RenderingGuard:
    """A PNG ``artifact`` that shows an ``array``, in the orientation in which it is stored.

    The grey levels are sorted by the values of the array into classes; the share of their
    variance that lies between the classes is what the array explains, whatever the colours are.
    It must be at least ``min``, more than in each of the seven other orientations (mirrored,
    turned, transposed), and more than each array of ``unlike`` explains.

    Where the map lies in the picture is read from its text ``panels``, a list with, for each
    map, ``box`` (left, top, right, bottom [px]), ``rows`` and ``columns`` (first and one after
    the last of those drawn), and ``cyclic`` where colours come back to their start, which makes
    ``rising`` moot. Without that text the array fills the picture.
    """

    kind = "rendering"
    options = RenderingOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require readable paths."""
        wanted = options.read(RenderingOptions, spec)
        for expression in (wanted.array, *wanted.unlike, *filter(None, (wanted.mask,))):
            metrics.parse(expression)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red for another array, another orientation, or no picture at all."""
        wanted = options.read(RenderingOptions, spec)
        paths = (wanted.array, wanted.mask, *wanted.unlike)
        note = pairs.note_missing(spec, evidence, wanted.missing, *paths, find=series.find)
        if note is not None:
            return note
        expected = f"{wanted.array} as it is stored"
        content = evidence.read(wanted.artifact, png.FILE_LIMIT)
        try:
            image, panel = png.decode(content), lattice.find_panel(content, wanted.panel)
        except png.ImageError as error:
            return result(spec, Verdict.RED, str(error), expected, f"it is {error}")
        array = series.take_plane(evidence, wanted.array)
        mask = None if wanted.mask is None else series.take_plane(evidence, wanted.mask)
        if problem := lattice.find_misfit(panel, image, array, mask):
            return result(spec, Verdict.RED, problem, expected, problem)
        grid = lattice.Lattice(panel, image, array.shape)
        cells = grid.take_cells(array, mask, wanted.period)
        share = lattice.explain(grid.levels, cells, lattice.STORED)
        problem = (
            _judge_share(wanted, share)
            or _judge_orientations(grid, cells)
            or _judge_others(wanted, evidence, grid, mask, share)
        )
        if not problem and wanted.rising and not panel.is_cyclic:
            problem = _judge_sign(grid, cells)
        verdict = Verdict.RED if problem else Verdict.GREEN
        return result(spec, verdict, f"{share:.0%} explained", expected, problem)


def _judge_share(wanted: RenderingOptions, share: float) -> str:
    if share >= wanted.min:
        return ""
    return f"{wanted.array} explains {share:.0%} of the picture, below {wanted.min:.0%}"


def _judge_orientations(grid: lattice.Lattice, cells: Cells) -> str:
    """Name the orientation that fits better than that in which the array is stored.

    Both are compared at the places that are drawn in both: a map may be turned in a frame that
    is not.
    """
    shares = {
        name: (
            lattice.explain(grid.levels, cells, turn),
            lattice.explain(grid.levels, cells, lattice.STORED, among=turn),
        )
        for name, turn in lattice.ORIENTATIONS.items()
    }
    best = max(shares, key=lambda name: shares[name][0] - shares[name][1])
    turned, stored = shares[best]
    if turned <= stored + _SLACK:
        return ""
    return f"it shows the array {best}: {turned:.0%} explained, as stored {stored:.0%}"


def _judge_others(
    wanted: RenderingOptions,
    evidence: Evidence,
    grid: lattice.Lattice,
    mask: series.Series | None,
    share: float,
) -> str:

    for path in wanted.unlike:
        other = series.take_plane(evidence, path)
        if other.shape != grid.shape:
            return f"{path} has the shape {list(other.shape)}, not {list(grid.shape)}"
        rival = lattice.explain(grid.levels, grid.take_cells(other, mask, None), lattice.STORED)
        if rival >= share:
            return f"{path} explains {rival:.0%} of it, {wanted.array} {share:.0%}"
    return ""


def _judge_sign(grid: lattice.Lattice, cells: Cells) -> str:
    slope = lattice.find_slope(grid.levels, cells)
    return "" if slope > 0 else "higher values are darker"
