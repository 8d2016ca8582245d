"""Which of the processes of a run this one is, and who started it.

Each process drives one device. They are started by `ptycho_torch.cli.launch`, by torchrun
or by srun, and each finds its number in the environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ptycho_torch.errors import ConfigError

NUMBER = "RANK"
WORLD = "WORLD_SIZE"
LOCAL = "LOCAL_RANK"
NODE = "NODE_RANK"
PARENT_PIPE = "PTYCHO_TORCH_PARENT_PIPE"
RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT", NODE)
# Set by srun; the names above are those of torchrun and of our own launcher.
_SLURM_NUMBER, _SLURM_WORLD = "SLURM_PROCID", "SLURM_NTASKS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The place of a process among those that train together.

    Attributes:
        number: Its number, from 0.
        count: How many there are.
    """

    number: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files of the run."""
        return self.number == 0

    @property
    def is_alone(self) -> bool:
        """Whether nobody has to be waited for."""
        return self.count == 1

    def bounds(self, size: int) -> tuple[int, int]:
        """Return where the share of this process in ``size`` things starts and stops.

        The shares of all processes follow each other, cover everything once and differ by
        one at most; with fewer things than processes some are empty.
        """
        # Integers of any size: no rounding, and where one share stops the next one starts.
        return size * self.number // self.count, size * (self.number + 1) // self.count


def is_started(count: int) -> bool:
    """Whether somebody has already started this process as one of ``count``."""
    return LOCAL in os.environ or _is_slurm_task(count)


def has_parent() -> bool:
    """Whether `ptycho_torch.cli.launch` has started this process."""
    return PARENT_PIPE in os.environ


def find_rank(count: int) -> Rank:
    """Find the place of this process among ``count``.

    Raises:
        ConfigError: Nobody has started the others, or another number of them.
    """
    if count == 1:
        return Rank()
    if not is_started(count):
        raise ConfigError(
            "--devices",
            expected=f"{count} processes",
            found="one",
            remedy="start them with python -m ptycho_torch.train, torchrun or srun",
        )
    number, world = (_SLURM_NUMBER, _SLURM_WORLD) if _is_slurm_task(count) else (NUMBER, WORLD)
    if _whole(world) != count:
        raise ConfigError(
            world,
            expected=f"{count}, as --devices times --num_nodes",
            found=os.environ.get(world, "nothing"),
        )
    number_ = _whole(number)
    if number_ is None or number_ >= count:
        raise ConfigError(
            number, expected=f"0 to {count - 1}", found=os.environ.get(number, "nothing")
        )
    return Rank(number=number_, count=count)


def _is_slurm_task(count: int) -> bool:
    # torchrun under srun sets LOCAL_RANK: Slurm then numbers the launchers, not the processes.
    return LOCAL not in os.environ and _whole(_SLURM_WORLD) == count and count > 1


def _whole(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else None
