"""Settings of training, inference and execution."""

from __future__ import annotations

from dataclasses import dataclass

from ptycho_torch import settings
from ptycho_torch.settings import INFERENCE, TRAIN, Flag, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Data files, loss, optimiser and schedule of a training run."""

    train_data_file: str | None = setting(
        None,
        "Training scan.",
        flag=Flag(name="train_data_file", modes=TRAIN, metavar="FILE"),
    )
    test_data_file: str | None = setting(
        None,
        "Validation scan; without it validation uses the split.",
        flag=Flag(name="test_data_file", modes=TRAIN, metavar="FILE"),
    )
    epochs: int = setting(
        100, "Training epochs.", low=1, flag=Flag(name="max_epochs", modes=TRAIN)
    )
    batch_size: int = setting(
        16, "Groups per batch.", low=1, flag=Flag(name="batch_size", modes=TRAIN)
    )
    torch_loss_mode: str = setting(
        "poisson",
        "Loss.",
        choices=("poisson", "mae"),
        flag=Flag(name="torch_loss_mode", modes=TRAIN),
    )
    poisson_eps: float = setting(1e-8, "Floor of the Poisson rate.", unit="counts", above=0)
    sqrt_eps: float = setting(1e-12, "Floor under the square root of the mae loss.", above=0)
    learning_rate: float = setting(
        1e-3, "Adam learning rate.", above=0, flag=Flag(name="learning_rate", modes=TRAIN)
    )
    betas: tuple[float, float] = setting(
        (0.9, 0.999), "Adam moment decay rates.", low=0, high=0.999999
    )
    adam_eps: float = setting(
        1e-6, "Adam's floor of the gradient's size, in units of the loss's gradient.", above=0
    )
    weight_decay: float = setting(0.0, "Adam weight decay.", low=0)
    warmup_steps: int = setting(
        10,
        "Optimiser steps over which the rate first rises; 0 for none.",
        low=0,
        flag=Flag(name="warmup_steps", modes=TRAIN),
    )
    scheduler: str = setting(
        "Default",
        "Learning-rate schedule.",
        choices=("Default", "Exponential", "WarmupCosine", "ReduceLROnPlateau"),
        refused={
            "MultiStage": "multi-stage training is not part of this model",
            "Adaptive": "this schedule is not part of this model; try ReduceLROnPlateau",
        },
        flag=Flag(name="scheduler", modes=TRAIN),
    )
    gamma: float = setting(0.95, "Factor per epoch of Exponential.", above=0, high=1)
    warmup_epochs: int = setting(0, "Linear warm-up of WarmupCosine.", unit="epochs", low=0)
    min_lr_ratio: float = setting(0.1, "Final rate of WarmupCosine.", low=0, high=1)
    plateau_factor: float = setting(0.5, "Factor of ReduceLROnPlateau.", above=0, high=0.999)
    plateau_patience: int = setting(2, "Patience of ReduceLROnPlateau.", unit="epochs", low=0)
    plateau_min_lr: float = setting(1e-4, "Lowest rate of ReduceLROnPlateau.", low=0)
    accumulate_grad_batches: int = setting(
        1,
        "Batches per optimiser step.",
        low=1,
        flag=Flag(name="accumulate_grad_batches", modes=TRAIN),
    )
    gradient_clip_val: float | None = setting(
        None,
        "Largest gradient norm; default no clipping.",
        above=0,
        flag=Flag(name="gradient_clip_val", modes=TRAIN),
    )
    early_stop_patience: int = setting(
        100,
        "Epochs without improvement before stopping; needs validation.",
        low=1,
        flag=Flag(name="early_stop_patience", modes=TRAIN),
    )
    resume: str | None = setting(
        None,
        "Checkpoint to continue from; auto takes the last one.",
        flag=Flag(name="resume", modes=TRAIN, metavar="FILE"),
    )

    def __post_init__(self) -> None:
        """Refuse values outside their declaration."""
        settings.validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """What is reconstructed, how patches are stitched, and which diagnostics are kept."""

    model_path: str | None = setting(
        None,
        "Training output folder, or the bundle itself.",
        flag=Flag(name="model_path", modes=INFERENCE, metavar="PATH"),
    )
    test_data_file: str | None = setting(
        None,
        "Scan to reconstruct.",
        flag=Flag(
            name="test_data", modes=INFERENCE, aliases=("test_data_file",), metavar="FILE"
        ),
    )
    n_images: int | None = setting(
        None,
        "Number of groups; default one per scan point.",
        low=1,
        flag=Flag(name="n_images", modes=INFERENCE),
    )
    batch_size: int = setting(
        64,
        "Groups per forward pass.",
        low=1,
        flag=Flag(name="inference_batch_size", modes=INFERENCE),
    )
    patch_weighting: str = setting(
        "probe",
        "Stitching weight.",
        choices=("probe", "hann", "uniform"),
        flag=Flag(name="patch_weighting", modes=INFERENCE),
    )
    coverage_threshold: float = setting(
        0.02, "Coverage below this share of the largest is masked.", low=0, high=1
    )
    metrics: str = setting(
        "auto",
        "Compare with the reference object; default when the file has one.",
        choices=("auto", "on", "off"),
        flag=Flag(name="metrics", modes=INFERENCE, on="on", off_name="no_metrics", off="off"),
    )
    refine: int = setting(
        0,
        "Sweeps over all frames against blur; they weigh the noise of few photons.",
        low=0,
        high=10_000,
        flag=Flag(name="refine", modes=INFERENCE, metavar="K"),
    )
    refine_probe: bool = setting(
        False,
        "Refine the probe too.",
        flag=Flag(name="refine_probe", modes=INFERENCE, on=True),
    )
    refine_positions: bool = setting(
        False,
        "Refine the positions too, each by a pixel at most.",
        flag=Flag(name="refine_positions", modes=INFERENCE, on=True),
    )
    debug_dump: str | None = setting(
        None,
        "Folder for geometry and patch diagnostics.",
        flag=Flag(name="debug_dump", modes=INFERENCE, metavar="DIR"),
    )
    log_patch_stats: bool = setting(
        False,
        "Record statistics of predicted patches.",
        flag=Flag(name="log_patch_stats", on=True),
    )
    patch_stats_limit: int | None = setting(
        1, "Batches recorded per phase.", low=0, flag=Flag(name="patch_stats_limit")
    )

    def __post_init__(self) -> None:
        """Refuse values outside their declaration."""
        settings.validate(self)


_NO_COMPLEX = "complex Fourier transforms need cpu or cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class PyTorchExecutionConfig:
    """Device, precision, loading, logging and checkpointing."""

    backend: str = setting(
        "torch",
        "What computes; tensorflow needs the extra tf and a CPU.",
        choices=("torch", "tensorflow"),
        flag=Flag(name="backend"),
    )
    accelerator: str = setting(
        "auto",
        "Device kind.",
        choices=("auto", "cpu", "gpu", "cuda"),
        refused={"tpu": _NO_COMPLEX, "mps": _NO_COMPLEX},
        flag=Flag(name="accelerator"),
    )
    devices: int = setting(1, "Number of devices.", low=1, flag=Flag(name="devices"))
    num_nodes: int = setting(
        1,
        "Machines that train together, each with that many devices.",
        low=1,
        flag=Flag(name="num_nodes", modes=TRAIN),
    )
    strategy: str = setting(
        "auto",
        "How devices share a batch; auto is ddp for several GPUs.",
        choices=("auto", "ddp"),
        flag=Flag(name="strategy", modes=TRAIN),
    )
    precision: str = setting(
        "32-true",
        "Precision of the network; physics and loss stay at 32 bits or more.",
        choices=("32-true", "64-true", "bf16-mixed", "16-mixed"),
        flag=Flag(name="precision"),
    )
    compile: str = setting(
        "off",
        "Compile the network before training.",
        choices=("off", "inductor", "aot_eager"),
        flag=Flag(name="compile", modes=TRAIN, on="inductor"),
    )
    deterministic: bool = setting(
        True,
        "Use deterministic algorithms only.",
        flag=Flag(name="deterministic", on=True, off_name="no_deterministic", off=False),
    )
    num_workers: int = setting(
        0,
        "Loader processes; results do not depend on it.",
        low=0,
        flag=Flag(name="num_workers"),
    )
    pin_memory: bool = setting(
        False, "Gather batches in memory that a GPU copies from directly; not on the CPU."
    )
    logger_backend: str | None = setting(
        "csv",
        "Lightning logger; none for no logger.",
        choices=("csv", "tensorboard"),
        refused={"mlflow": "MLflow is not supported; use csv"},
        flag=Flag(name="logger", modes=TRAIN),
    )
    enable_progress_bar: bool = setting(
        True, "No progress bar and no summary.", flag=Flag(name="quiet", on=False)
    )
    enable_checkpointing: bool = setting(
        True,
        "Write Lightning checkpoints.",
        flag=Flag(
            name="enable_checkpointing",
            modes=TRAIN,
            on=True,
            off_name="disable_checkpointing",
            off=False,
        ),
    )
    checkpoint_save_top_k: int = setting(
        1,
        "Best checkpoints kept; -1 keeps all, 0 only the last.",
        low=-1,
        flag=Flag(name="checkpoint_save_top_k", modes=TRAIN),
    )
    checkpoint_every_n_steps: int | None = setting(
        None,
        "Optimiser steps between checkpoints within an epoch; default only at its end.",
        low=1,
        flag=Flag(name="checkpoint_every_n_steps", modes=TRAIN),
    )
    checkpoint_monitor_metric: str = setting(
        "val_loss",
        "Metric that decides the best epoch.",
        choices=("val_loss", "train_loss", "val_deviance", "train_deviance"),
        flag=Flag(name="checkpoint_monitor", modes=TRAIN),
    )
    checkpoint_mode: str = setting(
        "min",
        "Whether a small or a large metric is best.",
        choices=("min", "max"),
        flag=Flag(name="checkpoint_mode", modes=TRAIN),
    )

    @property
    def world_size(self) -> int:
        """Processes that train together, one per device."""
        return self.devices * self.num_nodes

    def __post_init__(self) -> None:
        """Refuse values outside their declaration."""
        settings.validate(self)
