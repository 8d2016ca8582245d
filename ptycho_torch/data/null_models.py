"""Predicted and measured amplitudes in, the misfit out, beside that of models without content.

Notation, sums over frames m and valid pixels of the measured amplitude X:

E(A)      √(1 − (ΣA·X)² / (ΣA² · ΣX²)), relative error ‖aA − X‖ / ‖X‖ at the best factor a
nothing   A = 0: E = 1
constant  A = |far field of the probe|, an object of constant transmission: says nothing
mean      A = mean pattern of these frames: what is seen when no position is looked at

A reconstruction that is not clearly better than the best of the three explains nothing,
whatever else is good about it. The best factor keeps the exposure out of the comparison, and
squares are used since the sum of |√Î − X| favours patterns that are too dark wherever most
pixels have no photon. All three follow from sums, so that no frame is read twice.

Source: design of the model, section 20.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Pixels = NDArray[np.float64]


class Misfit:
    """Sums over frames from which the errors of a prediction and of the null models follow.

    Args:
        probe: (P, N, N) complex incoherent modes of the file, any scale.
        valid_mask: (N, N) bool, false at bad detector pixels.
    """

    def __init__(
        self, probe: NDArray[np.complexfloating[Any, Any]], valid_mask: NDArray[np.bool_]
    ) -> None:
        """Start with no frame seen."""
        self._constant = far_field_amplitude(probe)[valid_mask]
        self._pattern = np.zeros(self._constant.shape)
        self._measured = self._predicted = self._product = 0.0
        self.frame_count = 0

    def add(self, predicted: Pixels, measured: Pixels) -> None:
        """Take the valid pixels (…, V) of some frames, both as amplitudes in one unit."""
        frames = measured.reshape(-1, self._pattern.size)
        self._pattern += frames.sum(axis=0)
        self._measured += float(np.square(measured).sum())
        self._predicted += float(np.square(predicted).sum())
        self._product += float((predicted * measured).sum())
        self.frame_count += len(frames)

    def report(self) -> dict[str, Any]:
        """Return JSON values: the errors, and the ratios to those of the null models.

        Numbers that are none, those over frames without any photon or of a prediction that is
        not finite, are None.

        Returns:
            fit_residual E of the prediction, null_residual {empty, constant, mean}, best_null,
            ratio {constant, mean, best} of the first to the others, frame_count.
        """
        constant = float(self._pattern @ self._constant)
        square = float(self._constant @ self._constant) * self.frame_count
        mean = float(self._pattern @ self._pattern) / max(1, self.frame_count)
        nulls = {
            "empty": self._error(0.0, 0.0),
            "constant": self._error(constant, square),
            "mean": self._error(mean, mean),
        }
        residual = self._error(self._product, self._predicted)
        known = {name: value for name, value in nulls.items() if value is not None}
        best = min(known, key=lambda name: known[name]) if known else None
        return {
            "fit_residual": residual,
            "null_residual": nulls,
            "best_null": best,
            "ratio": {
                "constant": _ratio(residual, nulls["constant"]),
                "mean": _ratio(residual, nulls["mean"]),
                "best": None if best is None else _ratio(residual, nulls[best]),
            },
            "frame_count": self.frame_count,
        }

    def _error(self, product: float, square: float) -> float | None:
        """Return E for given ΣA·X and ΣA²; a prediction of nothing has an error of 1."""
        # Asked so that a NaN among the sums is caught too.
        if not self._measured > 0 or not math.isfinite(product + square):
            return None
        explained = product**2 / (square * self._measured) if square > 0 else 0.0
        # Rounding may explain a little more than everything.
        return math.sqrt(max(0.0, 1.0 - explained))


def far_field_amplitude(probe: NDArray[np.complexfloating[Any, Any]]) -> Pixels:
    """Compute √Σ_p|F(P_p)|² (N, N) of modes (P, N, N), zero frequency at N / 2."""
    shifted = fft.ifftshift(probe.astype(np.complex128), axes=(1, 2))
    field = fft.fftshift(fft.fft2(shifted, norm="ortho"), axes=(1, 2))
    amplitude: Pixels = np.sqrt(np.square(np.abs(field)).sum(axis=0))
    return amplitude


def _ratio(residual: float | None, null: float | None) -> float | None:
    """Return the quotient; None where there is none, as for a null model without error."""
    return None if residual is None or not null else residual / null
