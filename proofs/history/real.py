"""Real series: the Nile, whose shift is known, and trainings of this package with defects."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proofs.history import record
from proofs.history.judges import Call, Judge, is_in_time

# Annual flow at Aswan 1871–1970 [1e8 m³]; the level fell with 1899, run 28. G. W. Cobb,
# Biometrika 65 (1978), from the records of the Nile Department.
NILE = [
    *(1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020),
    *(960, 1180, 799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840),
    *(874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120),
    *(1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865),
    *(845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874),
    *(848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170),
    *(912, 746, 919, 718, 714, 740),
]
NILE_FIRST, NILE_SHIFT = 1871, 1899
METRICS = ("train_deviance", "amp_mean", "amp_std")
_SEED = 7
_LEAST_CLEAN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a judge said of real trainings in many orders: of clean ones, and with a defect.

    ``size`` is how far the defect moves the mean [standard deviations of clean runs].
    """

    metric: str
    defect: str
    size: float
    clean: int
    moved: int
    orders: int
    alarms: int
    in_time: int


def judge_nile(judge: Judge) -> list[Call]:
    """Judge the river, year after year."""
    return judge.call([float(value) for value in NILE])


def judge_trainings(judge: Judge, orders: int) -> Iterator[Trained]:
    """Judge the trainings in many orders of their seeds, which chance might have drawn."""
    runs = record.read_runs()
    for metric in METRICS:
        clean = [float(run[metric]) for run in runs if run["kind"] == record.CLEAN.name]
        for kind in record.DEFECTS:
            moved = [float(run[metric]) for run in runs if run["kind"] == kind.name]
            if len(moved) == kind.count and len(clean) >= _LEAST_CLEAN:
                yield _judge_orders(judge, (metric, kind.name), (clean, moved), orders)


def _judge_orders(
    judge: Judge, names: tuple[str, str], both: tuple[list[float], list[float]], orders: int
) -> Trained:
    chance = random.Random(_SEED)  # noqa: S311 - repeatable, no secret
    clean, moved = both
    alarms = in_time = 0
    for _ in range(orders):
        chance.shuffle(clean)
        chance.shuffle(moved)
        calls = judge.call([*clean, *moved])
        alarms += any(call.seen < len(clean) for call in calls)
        in_time += is_in_time(calls, len(clean))
    return Trained(
        metric=names[0],
        defect=names[1],
        size=_distance(clean, moved),
        clean=len(clean),
        moved=len(moved),
        orders=orders,
        alarms=alarms,
        in_time=in_time,
    )


def _distance(clean: Sequence[float], moved: Sequence[float]) -> float:
    mean = sum(clean) / len(clean)
    spread = (sum((value - mean) ** 2 for value in clean) / (len(clean) - 1)) ** 0.5
    return (sum(moved) / len(moved) - mean) / spread
