"""What a training run leaves, whichever backend computed it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.training.epochs import Progress
from ptycho_torch.training.prepare import Prepared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingResult:
    """A trained model, how it got there, and where it was written.

    Attributes:
        model: Holds the weights of the best epoch, in evaluation mode.
        progress: Epoch table and the best epoch.
        prepared: Data, groups and scales it was trained on.
        run_dir: Output folder of the run.
        bundle_path: The bundle; None where another process writes it.
        bundle_sha256: Its digest.
    """

    model: PtychoPINN
    progress: Progress
    prepared: Prepared
    run_dir: Path
    bundle_path: Path | None = None
    bundle_sha256: str | None = None
