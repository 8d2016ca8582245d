"""A validated scan in memory: what every reader returns and every later step takes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.frame_store import Amplitudes
from ptycho_torch.data.frame_views import TakenFrames


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanData:
    """Frames, positions and probe of one scan, checked once by the reader.

    Attributes:
        amplitude: (M, N, N) float32, diffraction amplitude √counts up to a factor,
            zero frequency at N / 2; an array, or frames that stay in their file.
        positions: (M, 2) float64, patch centres, x then y [object px].
        probe: (P, N, N) complex64, incoherent modes.
        object_canvas: (Y, X) complex64 reference object, when the file has one.
        object_mask: (Y, X) bool, where the reference is known, when the file says so.
        scan_index: (M,) int64 experiment id.
        valid_mask: (N, N) bool, false at bad detector pixels.
        pixel_size_m: Object pixel [m], when known.
        nphotons: Mean photons per frame, when the file states it.
        sha256: Digest of the source file, carried along by ``take``.
        name: File name of the source, without folders.
    """

    amplitude: Amplitudes
    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    object_canvas: NDArray[np.complex64] | None
    object_mask: NDArray[np.bool_] | None
    scan_index: NDArray[np.int64]
    valid_mask: NDArray[np.bool_]
    pixel_size_m: float | None
    nphotons: float | None
    sha256: str
    name: str

    @property
    def point_count(self) -> int:
        """Number of scan points M."""
        return len(self.positions)

    @property
    def side(self) -> int:
        """Side N of a frame and of a patch [px]."""
        return int(self.amplitude.shape[-1])

    def take(self, indices: NDArray[np.int64]) -> ScanData:
        """Keep the given scan points, in the given order; frames stay where they are."""
        return dataclasses.replace(
            self,
            amplitude=TakenFrames(self.amplitude, indices),
            positions=self.positions[indices],
            scan_index=self.scan_index[indices],
        )
