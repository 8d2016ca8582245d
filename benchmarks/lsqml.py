"""pty-chi's least-squares solver (LSQML) with a known probe: a published iterative reference.

pty-chi asks for torchvision, of which there is no CPU build: ``make quality`` installs it
without its dependencies. The one class it takes from there belongs to a function that no
solver calls; a stand-in takes its place, which fails when it is used.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import sys
import time
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.epie import Estimate
from ptycho_torch.data import scaling
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import canvas_geometry

_BATCH = 50
_MARGIN = 2  # pixels around the canvas, which the solver asks for


def is_installed() -> bool:
    """Tell whether pty-chi can be imported."""
    return importlib.util.find_spec("ptychi") is not None


def reconstruct(scan: ScanData, looks: list[int], seed: int = 0) -> Iterator[Estimate]:
    """Yield the object after each number of sweeps in ``looks``, starting from ones.

    One thread; the CPU seconds are those of the solver, imports left out.

    Source:
        Odstrčil, Menzel and Guizar-Sicairos, Optics Express 26 (2018) 3108; pty-chi 2.2.
    """
    began = time.process_time()
    task, origin, weight = _task(scan, seed)
    began += task.pop("imports")
    done, spent = 0, 0.0
    for sweeps in looks:
        with _quiet():
            task["solver"].run(sweeps - done)
        done = sweeps
        canvas = task["solver"].get_data_to_cpu("object", as_numpy=True)[0]
        spent += time.process_time() - began
        yield Estimate(canvas.astype(np.complex128), weight, origin, sweeps, spent)
        began = time.process_time()  # who judges the estimate does so in a time of its own


def _task(
    scan: ScanData, seed: int
) -> tuple[dict[str, Any], NDArray[np.float64], NDArray[np.float64]]:
    """Describe the scan to pty-chi; origin is the absolute position of pixel (0, 0)."""
    before = time.process_time()
    api, task_class = _import()
    imports = time.process_time() - before
    side = scan.side
    contract = scaling.fit(scan, scan.nphotons or 1e5)
    intensity = (np.asarray(scan.amplitude, np.float32) * contract.input_scale) ** 2
    geometry = canvas_geometry(scan.positions, side)
    shape = (geometry.height + 2 * _MARGIN, geometry.width + 2 * _MARGIN)
    origin = np.array([geometry.origin_x, geometry.origin_y], np.float64) - _MARGIN
    # Positions count from the middle of the solver's canvas, patches from half a pixel before.
    middle = np.array([shape[1] // 2, shape[0] // 2], np.float64)
    positions = scan.positions - origin - middle
    options = api.LSQMLOptions()
    options.object_options.determine_position_origin_coords_by = (
        api.ObjectPosOriginCoordsMethods.SPECIFIED
    )
    options.object_options.position_origin_coords = middle[::-1] - 0.5
    options.probe_options.optimizable = False
    options.probe_position_options.optimizable = False
    options.data_options.save_data_on_device = False
    settings = options.reconstructor_options
    settings.batch_size, settings.num_epochs = _BATCH, 1
    settings.default_device, settings.random_seed = api.Devices.CPU, seed
    with _quiet():
        solver = task_class(
            options,
            diffraction_data=intensity,
            object_data=np.ones((1, *shape), np.complex64),
            probe_data=(scan.probe * contract.probe_scale)[None].astype(np.complex64),
            probe_position_x_px=positions[:, 0],
            probe_position_y_px=positions[:, 1],
        )
    weight = light(scan, origin, shape)
    return {"solver": solver, "imports": imports}, origin, weight


def light(
    scan: ScanData, origin: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return how strongly each pixel was lit: the probe's intensity at whole positions."""
    weight = np.zeros(shape)
    lit = (np.abs(scan.probe) ** 2).sum(axis=0)
    side = scan.side
    for column, row in (np.floor(scan.positions) - side // 2 - origin).astype(int):
        weight[row : row + side, column : column + side] += lit
    return weight


def _import() -> tuple[Any, Any]:
    is_known = "torchvision" in sys.modules
    if not is_known and importlib.util.find_spec("torchvision") is None:
        package, transforms = (
            types.ModuleType(name) for name in ("torchvision", "torchvision.transforms")
        )
        transforms.__dict__["GaussianBlur"] = _Missing
        sys.modules |= {module.__name__: module for module in (package, transforms)}
    # Imported here: an optional peer, of which only this benchmark knows.
    from ptychi import api  # noqa: PLC0415
    from ptychi.api.task import PtychographyTask  # noqa: PLC0415

    return api, PtychographyTask


class _Missing:
    """Stands for torchvision's blur and fails when it is used."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("torchvision is not there, and no solver was expected to need it")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the solver's own log and progress, on the streams and in logging."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        unseen = io.StringIO()  # a stream: the solver's log handlers keep what they are given
        with contextlib.redirect_stderr(unseen), contextlib.redirect_stdout(unseen):
            yield
    finally:
        logging.disable(level)
