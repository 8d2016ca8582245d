"""Settings that shape the data and the model."""

from __future__ import annotations

from dataclasses import dataclass

from ptycho_torch import settings
from ptycho_torch.errors import ConfigError
from ptycho_torch.settings import BOTH, TRAIN, Flag, setting

SMALLEST_SIDE, LARGEST_SIDE, SIDE_STEP = 32, 512, 8
SIDES = range(SMALLEST_SIDE, LARGEST_SIDE + 1, SIDE_STEP)
SIDE_RULE = f"a multiple of {SIDE_STEP} from {SMALLEST_SIDE} to {LARGEST_SIDE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSection:
    """What is run, where it writes and which seed roots its random streams."""

    mode: str = setting("train", "Kind of run.", choices=BOTH)
    output_dir: str | None = setting(
        None, "Folder for all results.", flag=Flag(name="output_dir", metavar="DIR")
    )
    seed: int = setting(42, "Root of all random streams.", low=0, flag=Flag(name="seed"))
    perturb: int = setting(
        0,
        "Which perturbation moves the initial weights by half an ulp; 0: none.",
        low=0,
        flag=Flag(name="perturb", modes=TRAIN, metavar="K"),
    )

    def __post_init__(self) -> None:
        """Refuse values outside their declaration."""
        settings.validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """How a scan file becomes frames, positions and groups."""

    N: int | None = setting(
        None,
        "Side of a frame, from the data.",
        low=SMALLEST_SIDE,
        high=LARGEST_SIDE,
        multiple_of=SIDE_STEP,
    )
    gridsize: int = setting(
        2, "Side of a group; C = gridsize².", low=1, flag=Flag(name="gridsize")
    )
    neighbor_count: int | None = setting(
        None,
        "Nearest neighbours among which a group is drawn; default max(6, C + 2).",
        low=0,
        flag=Flag(name="neighbor_count"),
    )
    max_neighbor_distance: float | None = setting(
        None, "Farthest neighbour of a group.", unit="px", above=0
    )
    n_groups: int = setting(
        512,
        "Number of groups.",
        low=1,
        flag=Flag(name="n_images", modes=TRAIN, aliases=("n_groups",)),
    )
    oversample: bool = setting(
        False,
        "Allow more groups than scan points, several around each.",
        flag=Flag(name="oversample", on=True),
    )
    regroup: bool = setting(
        False,
        "Draw other groups in every epoch.",
        flag=Flag(name="regroup", modes=TRAIN, on=True),
    )
    val_split: float = setting(
        0.1,
        "Share of scan points held out for validation; 0 for none.",
        low=0,
        high=0.5,
        flag=Flag(name="val_split", modes=TRAIN),
    )
    nphotons: float = setting(
        1e5, "Mean photons per frame.", above=0, flag=Flag(name="nphotons", modes=TRAIN)
    )
    input_kind: str = setting(
        "auto",
        "What the frames hold.",
        choices=("auto", "amplitude", "intensity"),
        flag=Flag(name="input_kind"),
    )
    companion_file: str | None = setting(
        None,
        "Second file, for pieces missing in a scan file.",
        flag=Flag(name="companion_file", metavar="FILE"),
    )
    translation_kind: str = setting(
        "auto",
        "What CXI translations move; auto takes the file's word, else sample.",
        choices=("auto", "sample", "probe"),
        flag=Flag(name="translation_kind"),
    )
    swap_xy: bool = setting(
        False,
        "Exchange x and y of positions and reference.",
        flag=Flag(name="swap_xy", on=True),
    )
    flip_x: bool = setting(
        False, "Negate x of positions and reference.", flag=Flag(name="flip_x", on=True)
    )
    flip_y: bool = setting(
        False, "Negate y of positions and reference.", flag=Flag(name="flip_y", on=True)
    )
    scan: int | None = setting(
        None, "Which scan of a file that holds several.", flag=Flag(name="scan")
    )
    center: str = setting(
        "check",
        "Zero frequency: check that it is at N/2, keep it, auto finds it, or its X,Y.",
        flag=Flag(name="center", metavar="check|keep|auto|X,Y"),
    )
    drop: bool = setting(
        False,
        "Drop frames that are dark, unreadable, far too bright or without a position.",
        flag=Flag(name="drop", on=True),
    )
    mmap_threshold_mb: float = setting(
        512, "Frames above this size stay in their file.", unit="MiB", above=0
    )

    def __post_init__(self) -> None:
        """Refuse values outside their declaration.

        Raises:
            ConfigError: A value is out of bounds, fewer neighbours than a group needs, or
                groups that are drawn anew within a distance.
        """
        settings.validate(self)
        if self.neighbor_count is not None and self.neighbor_count < self.C - 1:
            raise ConfigError(
                "neighbor_count",
                expected=f"at least {self.C - 1} for gridsize {self.gridsize}",
                found=str(self.neighbor_count),
            )
        if self.regroup and self.max_neighbor_distance is not None:
            raise ConfigError(
                "--regroup",
                expected="no max_neighbor_distance, which drops a number of groups by chance",
                found=f"{self.max_neighbor_distance:g} px",
            )

    @property
    def C(self) -> int:  # noqa: N802 - the group size has this symbol in the design
        """Patterns per group."""
        return self.gridsize**2

    @property
    def neighbours(self) -> int:
        """The neighbour count, with its default filled in."""
        return max(6, self.C + 2) if self.neighbor_count is None else self.neighbor_count


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network and the forward model."""

    architecture: str = setting(
        "cnn",
        "Network; cnn-lite leaves out the stage at full size.",
        choices=("cnn", "cnn-lite"),
        flag=Flag(name="architecture", modes=TRAIN),
    )
    n_filters_scale: int = setting(2, "Width factor F.", low=1, high=16)
    object_big: bool | None = setting(
        None,
        "Overlap constraint; default on when gridsize > 1.",
        flag=Flag(name="object_big", modes=TRAIN, on=True, off_name="no_object_big", off=False),
    )
    probe_big: bool = setting(
        True,
        "Predict the outer border of a patch too.",
        flag=Flag(name="probe_big", modes=TRAIN, on=True, off_name="no_probe_big", off=False),
    )
    c_outer: int = setting(4, "Channels that make the outer border.", low=1, high=16)
    amp_activation: str = setting(
        "bounded",
        "Amplitude head.",
        choices=("bounded", "softplus", "sigmoid", "swish"),
        flag=Flag(name="amp_activation", modes=TRAIN),
    )
    amp_max: float = setting(2.0, "Upper bound of the bounded head.", above=1)
    hidden_slope: float = setting(0.1, "Slope of the leaky rectifiers.", low=0, high=1)
    head_gain: float = setting(0.01, "Initial gain of the last convolutions.", above=0)
    weight_blur_sigma: float = setting(1.0, "Blur of the merge weight.", unit="px", above=0)
    weight_floor: float = setting(1e-3, "Floor of the merge weight.", above=0, high=1)
    max_padded_factor: float = setting(
        4, "Largest group canvas, in patch sides, before units are doubted.", low=1
    )

    def __post_init__(self) -> None:
        """Refuse values outside their declaration."""
        settings.validate(self)

    def overlaps(self, C: int) -> bool:
        """Whether patches of a group of C are made to agree where they overlap."""
        return C > 1 if self.object_big is None else self.object_big
