"""Stitched object → the same after K sweeps over all frames, with what they brought.

The network gives a start in one pass; the sweeps take out what it blurred. Their state lies in
the output folder while they last, so that a run that was stopped goes on where it stood.

Source: design of the model, section 20.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import PtychoError
from ptycho_torch.physics.canvas import StitchResult
from ptycho_torch.reconstruct import scoring, stored
from ptycho_torch.reconstruct.predict import Plan
from ptycho_torch.reconstruct.stored import Kind
from ptycho_torch.reconstruct.sweeps import State, Sweeper, Wanted

STATE = "refine_state.npz"
_SAVE_EVERY_S = 10.0
_KINDS = MappingProxyType(
    {
        "object": Kind(2, "c"),
        "probe": Kind(3, "c"),
        "positions": Kind(2, "f"),
        "residuals": Kind(1, "f"),
        "background": Kind(2, "f"),
        "key": Kind(0, "U"),
    }
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where the state lies while the sweeps last, and whose it is.

    Attributes:
        folder: Output folder of the run.
        identity: What the result follows from besides the sweeps: bundle, data, settings.
    """

    folder: Path
    identity: str

    @property
    def path(self) -> Path:
        """The file of the state."""
        return self.folder / STATE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refined:
    """What a refinement gives.

    Attributes:
        stitched: The object, with weight and mask as stitched.
        scan: The scan with refined probe and positions, where they were asked for.
        record: JSON values for ``run.json``: sweeps, residual of each, seconds.
    """

    stitched: StitchResult
    scan: ScanData
    record: dict[str, Any]


def wanted_of(config: RunConfig) -> Wanted | None:
    """Return what the settings ask for; None where nothing is to be refined."""
    inference = config.inference
    if not inference.refine:
        return None
    return Wanted(
        sweeps=inference.refine,
        with_probe=inference.refine_probe,
        with_positions=inference.refine_positions,
        seed=config.run.seed,
    )


def refine(
    stitched: StitchResult,
    scan: ScanData,
    plan: Plan,
    probe: NDArray[np.complex64],
    scales: tuple[float, float],
    wanted: Wanted,
    keeping: Keeping,
) -> Refined:
    """Refine a stitched object by sweeps over all frames of a plan.

    Args:
        stitched: The object to start from.
        scan: Frames, positions, valid pixels.
        plan: Groups, whose members are swept, and canvas.
        probe: (P, N, N) normalised probe of the bundle.
        scales: α and s of the bundle.
        wanted: What is refined.
        keeping: Where the state lies while the sweeps last.

    Raises:
        PtychoError: The object left the finite numbers.
        OutputError: The state cannot be written.
    """
    members = np.unique(plan.groups)
    first = _start(stitched, scan, probe)
    # Chosen from where it began, also where it goes on: the choice is that of the whole run.
    sweeper = scoring.choose(scan, members, plan.canvas, *scales, wanted, first)
    goal = dataclasses.asdict(dataclasses.replace(wanted, sweeps=0))  # more may be asked later
    key = hashlib.sha256(f"{keeping.identity} {goal}".encode()).hexdigest()
    state = _read_state(keeping.path, key, wanted) or first
    resumed_at = len(state.residuals)
    began = time.monotonic()
    _sweep(sweeper, state, wanted.sweeps, lambda: _write_state(keeping.path, state, key))
    keeping.path.unlink(missing_ok=True)
    if not np.isfinite(state.object_canvas).all():
        raise PtychoError(
            "refinement",
            expected="a finite object",
            found="values that are no numbers",
            remedy="leave out --refine_probe and --refine_positions, or --refine",
        )
    canvas = np.where(stitched.weight > 0, state.object_canvas, 0).astype(np.complex64)
    return Refined(
        stitched=dataclasses.replace(stitched, object=canvas),
        scan=dataclasses.replace(scan, positions=state.positions, probe=state.probe)
        if wanted.with_probe or wanted.with_positions
        else scan,
        record={
            "sweeps": wanted.sweeps,
            "noise_weighed": isinstance(sweeper, scoring.Scorer),
            "with_probe": wanted.with_probe,
            "with_positions": wanted.with_positions,
            "resumed_at": resumed_at,
            "residual": state.residuals,
            "largest_shift_px": float(np.abs(state.positions - scan.positions).max()),
            "seconds": round(time.monotonic() - began, 3),
        },
    )


def _start(stitched: StitchResult, scan: ScanData, probe: NDArray[np.complex64]) -> State:
    """Fill what the patches did not reach, where there is light all the same, by their mean."""
    mean = stitched.object[stitched.mask].mean() if stitched.mask.any() else np.complex64(1)
    return State(
        object_canvas=np.where(stitched.mask, stitched.object, mean).astype(np.complex64),
        probe=np.array(probe, np.complex64),
        positions=scan.positions.copy(),
        residuals=[],
    )


def _sweep(sweeper: Sweeper, state: State, sweeps: int, save: Callable[[], None]) -> None:
    saved = time.monotonic()
    while len(state.residuals) < sweeps:
        sweeper.sweep(state)
        done = len(state.residuals)
        _log.info("refine %d/%d: residual %.4f", done, sweeps, state.residuals[-1])
        if done < sweeps and time.monotonic() - saved >= _SAVE_EVERY_S:
            save()
            saved = time.monotonic()


def _read_state(path: Path, key: str, wanted: Wanted) -> State | None:
    """Read the state of a run that was stopped; None where it is of another run or damaged."""
    if not path.is_file():
        return None
    try:
        arrays = stored.read(path, _KINDS, what="a state of refinement")
    except PtychoError as error:
        _log.warning("The state of a stopped refinement is not used: %s", error)
        return None
    if str(arrays["key"]) != key or len(arrays["residuals"]) > wanted.sweeps:
        return None
    return State(
        object_canvas=arrays["object"].astype(np.complex64),
        probe=arrays["probe"].astype(np.complex64),
        positions=arrays["positions"].astype(np.float64),
        residuals=[float(value) for value in arrays["residuals"]],
        background=arrays["background"].astype(np.float64),
    )


def _write_state(path: Path, state: State, key: str) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        object=state.object_canvas,
        probe=state.probe,
        positions=state.positions,
        residuals=np.array(state.residuals),
        background=state.background,
        key=np.str_(key),
    )
    files.write_bytes(path, buffer.getvalue())
