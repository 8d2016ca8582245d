"""Arrays of two runs side by side: their statistics, and how far their numbers are apart."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.evidence.hub.evidence import HubEvidence
from harness.frozen import dataclass
from harness.judgement.guards.readers import npy
from harness.judgement.guards.readers.npy import Array, ArrayError
from harness.records import HubRecord
from harness.reporting import text

_ENDINGS = (".npz", ".npy")
_LARGEST = 256 << 20
_MOST = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """An array in numbers: of its finite elements, and of |z| where they are complex.

    ``sd`` divides by n. Without a finite element, or past the range of a float, a number is
    ``None``.
    """

    shape: tuple[int, ...]
    dtype: str
    nonfinite: int
    low: float | None
    high: float | None
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayPair:
    """An array that differs; its name is that of the artifact and of the member.

    ``largest`` is the largest |after − before|, ``relative_l2`` the norm of the difference over
    that of before, both over elements that are finite in both. Where they cannot be told,
    ``problem`` says why.
    """

    name: str
    before: Statistics | None = None
    after: Statistics | None = None
    largest: float | None = None
    relative_l2: float | None = None
    problem: str = ""


def compare(
    folders: tuple[Path, Path], records: tuple[HubRecord, HubRecord], project: Path | None
) -> list[ArrayPair]:
    """Compare the arrays of both runs that are not the same bytes, external ones included.

    Args:
        folders: Both hubs.
        records: Their records.
        project: What paths of external artifacts are relative to; found above without it.
    """
    first, second = (
        {a.id: a for a in r.artifacts if a.path.lower().endswith(_ENDINGS)} for r in records
    )
    array_pairs: list[ArrayPair] = []
    for name in sorted(set(first) & set(second)):
        if first[name].sha256 != second[name].sha256:
            array_pairs += _artifact(name, folders, project)
    return array_pairs


def _artifact(
    name: str, folders: tuple[Path, Path], project: Path | None
) -> Iterable[ArrayPair]:
    try:
        old, new = (_members(folder, name, project) for folder in folders)
    except HarnessError as error:
        return [ArrayPair(name=name, problem=f"not here: {error.where}: {error.found}"[:200])]
    except ArrayError as error:
        return [ArrayPair(name=name, problem=f"cannot be read: {error}"[:200])]
    keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    return [_pair(f"{name}:{key}" if key else name, old.get(key), new.get(key)) for key in keys]


def _members(folder: Path, name: str, project: Path | None) -> Mapping[str, bytes]:
    content = HubEvidence(folder, project=project).read(name, _LARGEST)
    return dict(npy.members(content, _LARGEST))


def _pair(name: str, before: bytes | None, after: bytes | None) -> ArrayPair:
    try:
        old, new = (None if raw is None else _read_array(raw) for raw in (before, after))
    except ArrayError as error:
        return ArrayPair(name=name, problem=str(error))
    then, now = (None if one is None else statistics(one) for one in (old, new))
    if old is None or new is None:
        problem = "only in the second" if old is None else "only in the first"
        return ArrayPair(name=name, before=then, after=now, problem=problem)
    problem = ""
    if old.shape != new.shape:
        problem = "another shape"
    elif old.is_fortran != new.is_fortran:
        problem = "stored in another order of its axes"
    if problem:
        return ArrayPair(name=name, before=then, after=now, problem=problem)
    largest, relative = distance(old, new)
    return ArrayPair(name=name, before=then, after=now, largest=largest, relative_l2=relative)


def _read_array(raw: bytes) -> Array:
    loaded = npy.read_npy(raw)
    if loaded.count > _MOST:
        raise ArrayError(f"{loaded.count:,} elements: too large to be compared")
    return loaded


def statistics(values: Array) -> Statistics:
    """Describe an array."""
    sizes = _magnitudes(values)
    finite = [size for size in sizes if math.isfinite(size)]
    mean = _sum(finite, len(finite))
    spread = (
        None if mean is None else _sum([(v - mean) * (v - mean) for v in finite], len(finite))
    )
    return Statistics(
        shape=values.shape,
        dtype=values.dtype,
        nonfinite=len(sizes) - len(finite),
        low=min(finite, default=None),
        high=max(finite, default=None),
        mean=mean,
        sd=None if spread is None else math.sqrt(spread),
    )


def distance(before: Array, after: Array) -> tuple[float | None, float | None]:
    """Return the largest |after − before| and the relative L2, of elements finite in both."""
    pairs = zip(_parts(before), _parts(after), strict=True)
    apart, norms = array("d"), array("d")
    for (a, b), (c, d) in pairs:
        if _all(a, b, c, d):
            apart.append(math.hypot(c - a, d - b))
            norms.append(math.hypot(a, b))
    top, base, largest = math.hypot(*apart), math.hypot(*norms), max(apart, default=None)
    relative = top / base if base and _all(top, base) else None
    return (None if largest is None or not _all(largest) else largest), relative


def describe_pair(pair: ArrayPair) -> tuple[str, ...]:
    """Write a pair as a row: name, shape, then, now, largest, relative L2."""
    old, new = pair.before, pair.after
    shapes = dict.fromkeys(_shape(one) for one in (old, new) if one is not None)
    return (
        pair.name,
        " → ".join(shapes),
        _spoken(old),
        _spoken(new),
        pair.problem or text.number(pair.largest),
        text.number(pair.relative_l2),
    )


HEAD = ("array", "shape", "before: mean ± sd [least, most]", "now", "largest |Δ|", "rel. L2")


def _spoken(one: Statistics | None) -> str:
    if one is None:
        return "—"
    numbers = [text.number(value) for value in (one.mean, one.sd, one.low, one.high)]
    bad = f", {one.nonfinite} not finite" if one.nonfinite else ""
    return f"{numbers[0]} ± {numbers[1]} [{numbers[2]}, {numbers[3]}]{bad}"


def _shape(one: Statistics) -> str:
    return f"{' × '.join(map(str, one.shape)) or 'scalar'} {one.dtype.lstrip('<|=')}"


def _magnitudes(values: Array) -> Sequence[float]:
    if not values.is_complex:
        return values.numbers
    return [math.hypot(re, im) for re, im in _parts(values)]


def _parts(values: Array) -> Iterable[tuple[float, float]]:
    numbers = values.numbers
    if values.is_complex:
        return zip(numbers[::2], numbers[1::2], strict=True)
    return ((number, 0.0) for number in numbers)


def _sum(values: Sequence[float], count: int) -> float | None:
    """Return the mean of ``count`` values, or None where it is no finite number."""
    if not count:
        return None
    try:
        total = math.fsum(values) / count
    except OverflowError:
        return None
    return total if math.isfinite(total) else None


def _all(*numbers: float) -> bool:
    return all(map(math.isfinite, numbers))
