"""One pass through the model to a table: a column of statistics for every stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ptycho_torch.config_params import ModelConfig
from ptycho_torch.physics import canvas, losses
from ptycho_torch.pinn import PtychoPINN
from tests.builders import fields
from tests.ptycho_torch import test_oracle as oracle

N = oracle.N
INTENSITY_SCALE = 19.764235
ROWS = ("mean", "rms", "placed", "5 %", "50 %", "95 %")
LOSSES = ("loss", "deviance", "mae")
BATCH = 3
HEAD_GAIN = 0.3  # patches of some contrast, with phases that are far from ±π


@dataclass(frozen=True, slots=True)
class Case:
    """A model and a batch; three groups, so that no axis has the length of another."""

    architecture: str
    gridsize: int
    modes: int

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.architecture}-gridsize{self.gridsize}-modes{self.modes}"


CASES = tuple(
    Case(architecture, gridsize, modes)
    for architecture in ("cnn", "cnn-lite")
    for gridsize in (1, 2, 3)
    for modes in (1, 3)
)


def statistics(values: torch.Tensor) -> NDArray[np.float64]:
    """Reduce a tensor to numbers that see its size, its spread and where its values are.

    A complex one is taken as its real and imaginary parts. ``placed`` is a mean whose
    weights fall along every axis, so that nothing can be mirrored, swapped or shifted.
    """
    values = values.detach()
    parts = torch.view_as_real(values) if values.is_complex() else values
    array = parts.double().numpy()
    weights = np.ones(array.shape)
    for axis, length in enumerate(array.shape):
        falling = np.linspace(1.0, 1.0 / (axis + 2), length)
        weights *= falling.reshape([-1 if a == axis else 1 for a in range(array.ndim)])
    return np.array(
        [
            array.mean(),
            np.sqrt(np.square(array).mean()),
            (weights * array).mean() / weights.mean(),
            *np.quantile(array, [0.05, 0.5, 0.95]),
        ]
    )


def run(
    case: Case, dtype: torch.dtype = torch.float32
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """Pass a batch through a model and back.

    Returns:
        Statistics of every stage, first to last, and the losses by name.
    """
    rng = np.random.default_rng(100 * case.gridsize + case.modes)
    config = ModelConfig(architecture=case.architecture, n_filters_scale=1, head_gain=HEAD_GAIN)
    rel = fields.offsets(rng, BATCH, case.gridsize**2, 3.0)
    centres = rng.uniform(0.0, 1.0, (BATCH, 1, 2)) * [23.0, 9.0] + N
    positions = (centres + rel).reshape(-1, 2)
    probe = fields.probe(N, case.modes)
    X = _measured(rng, positions, probe).reshape(BATCH, -1, N, N)
    mask = torch.from_numpy(rng.random((N, N)) > 0.1)
    model = PtychoPINN(
        config,
        N=N,
        gridsize=case.gridsize,
        probe=probe,
        padded_size=fields.canvas_side(N, rel),
        seed=9,
    )
    model = model.to(dtype)
    measured, offsets = (torch.from_numpy(values).to(dtype) for values in (X, rel))

    tensors = {"weights": _flat(list(model.parameters()))}
    tensors |= oracle._torch_stages(model, measured, offsets)
    stitched = canvas.stitch(tensors["patches"].flatten(0, 1), positions, model.blend_weight)
    tensors["stitched"] = torch.from_numpy(stitched.object)
    tensors["cover"] = torch.from_numpy(stitched.weight)
    terms = losses.poisson(tensors["intensity"], measured, INTENSITY_SCALE, mask, 1e-8)
    misfit = losses.mae(tensors["intensity"], measured, INTENSITY_SCALE, mask, 1e-12)
    gradients = torch.autograd.grad(terms.loss, list(model.parameters()))
    tensors["gradient"] = _flat(list(gradients))
    assert terms.deviance is not None
    totals = (terms.loss, terms.deviance, misfit.loss)
    return (
        {name: statistics(values) for name, values in tensors.items()},
        {name: float(value.detach()) for name, value in zip(LOSSES, totals, strict=True)},
    )


def _measured(
    rng: np.random.Generator, positions: NDArray[np.float64], probe: NDArray[np.complex64]
) -> NDArray[np.float32]:
    """Make the amplitudes of a known object at the nearest pixels, a tenth of them noise."""
    patches = fields.cut(fields.l_shape(71, 97), np.rint(positions).astype(np.int64), N)
    field = np.fft.fft2(patches[:, None] * probe, norm="ortho")
    intensity = np.fft.fftshift(np.square(np.abs(field)).sum(axis=1), axes=(-2, -1))
    return (np.sqrt(intensity + 1e-3) * rng.gamma(100.0, 0.01, intensity.shape)).astype(
        np.float32
    )


def _flat(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])
