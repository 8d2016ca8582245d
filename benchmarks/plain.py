"""The same network and physics written plainly, as the yardstick of the benchmarks.

Eager, contiguous, rectified out of place, doubled before the convolution, merged by a
sampling grid. It shares the weights of a `PtychoPINN` and gives the same numbers.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ptycho_torch.network import decoder
from ptycho_torch.pinn import PtychoPINN

_SLOPE = 0.1


class PlainModel:
    """Runs the weights of a model without any of the package's economies.

    Args:
        model: Default network, gridsize above 1, bounded head.
    """

    def __init__(self, model: PtychoPINN) -> None:
        self.model = model
        self.weights = dict(model.network.named_parameters())

    def forward(self, X: torch.Tensor, rel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return patches and predicted intensity."""
        patches = self.predict(X)
        wave = self._agree(patches, rel)[:, :, None] * self.model.probe
        field = torch.fft.fftshift(torch.fft.fft2(wave, norm="ortho"), dim=(-2, -1))
        return patches, field.abs().square().sum(dim=2)

    def predict(self, X: torch.Tensor) -> torch.Tensor:
        """Return the complex patches of (B, C, N, N) amplitudes."""
        maps, stage = X, 0
        while f"encoder.stage{stage}.conv1.weight" in self.weights:
            maps = functional.max_pool2d(self._stage(f"encoder.stage{stage}", maps), 2)
            stage += 1
        amplitude = 2 * torch.sigmoid(self._tower("amp", maps))
        phase = math.pi * torch.tanh(self._tower("phase", maps))
        return torch.complex(amplitude * torch.cos(phase), amplitude * torch.sin(phase))

    def _tower(self, name: str, maps: torch.Tensor) -> torch.Tensor:
        stage = sum(key.startswith(f"{name}.stage") for key in self.weights) // 4
        for index in reversed(range(stage)):
            maps = _doubled(self._stage(f"{name}.stage{index}", maps))
        quarter = maps.shape[-1] // 2
        logits = functional.pad(self._convolve(f"{name}.centre", maps[:, :-4]), (quarter,) * 4)
        outer = self._rectified(f"{name}.outer.conv1", maps[:, -4:])
        outer = self._rectified(f"{name}.outer.conv2", outer)
        filled = self._convolve(f"{name}.outer.conv3", _doubled(outer))
        return logits + decoder.border(logits) * filled

    def _stage(self, name: str, maps: torch.Tensor) -> torch.Tensor:
        return self._rectified(f"{name}.conv2", self._rectified(f"{name}.conv1", maps))

    def _rectified(self, name: str, maps: torch.Tensor) -> torch.Tensor:
        return functional.leaky_relu(self._convolve(name, maps), _SLOPE)

    def _convolve(self, name: str, maps: torch.Tensor) -> torch.Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return functional.conv2d(maps, weight, bias, padding=1)

    def _agree(self, patches: torch.Tensor, rel: torch.Tensor) -> torch.Tensor:
        """Merge and extract through a sampling grid."""
        batch, count, side = patches.shape[:3]
        margin = (self.model.padded_size - side) // 2
        weight = self.model.merge_weight.expand(batch, count, side, side)
        padded = functional.pad(weight * patches, (margin,) * 4)
        moved = _sample(padded.flatten(0, 1), rel.flatten(0, 1)).unflatten(0, (batch, count))
        cover = _sample(
            functional.pad(weight, (margin,) * 4).flatten(0, 1) + 0j, rel.flatten(0, 1)
        ).real.unflatten(0, (batch, count))
        merged = moved.sum(dim=1) / cover.sum(dim=1).clamp_min(1e-6)
        again = merged[:, None].expand(-1, count, -1, -1).flatten(0, 1)
        cut = _sample(again, -rel.flatten(0, 1)).unflatten(0, (batch, count))
        return cut[..., margin : margin + side, margin : margin + side]


def _doubled(maps: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def _sample(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Move complex images (n, S, S) by offsets (n, 2) in pixels."""
    side = images.shape[-1]
    axis = torch.linspace(-1, 1, side)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack((columns, rows), dim=-1) - offsets[:, None, None] * 2 / (side - 1)
    parts = torch.view_as_real(images).movedim(-1, 1)
    moved = functional.grid_sample(parts, grid, align_corners=True)
    return torch.complex(moved[:, 0], moved[:, 1])
