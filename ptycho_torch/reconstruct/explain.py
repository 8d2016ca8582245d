"""Stitched object → the frames it would give, against those measured and the null models.

A network may explain each group of frames by itself, as when positions are mirrored, and
still give patches that do not fit together: only the one object that they are stitched to can
be held against all frames.

Source: design of the model, section 20.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch.data.null_models import Misfit
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import StitchResult
from ptycho_torch.reconstruct.predict import Plan, Prediction

FRAMES = 2048  # judged at most, evenly chosen
_BLOCK = 64


def judge(prediction: Prediction, scan: ScanData, plan: Plan) -> dict[str, Any]:
    """Judge what was predicted for a plan: group by group, and as one object.

    Returns:
        ``network`` and ``object``, each as of `null_models.Misfit.report`; the null models of
        each are those of the frames that it was judged on.
    """
    return {
        "network": prediction.misfit,
        "object": judge_object(prediction.stitched, scan, np.unique(plan.groups)),
    }


def judge_object(
    stitched: StitchResult, scan: ScanData, members: NDArray[np.int64]
) -> dict[str, Any]:
    """Judge how well an object explains frames with the probe of their file.

    Args:
        stitched: The object.
        scan: Frames, positions, probe and valid pixels.
        members: Scan points whose patches were stitched; at most 2048 of them are judged.

    Returns:
        JSON values, see `null_models.Misfit.report`.
    """
    count = min(len(members), FRAMES)
    chosen = members[np.linspace(0, len(members) - 1, count).round().astype(np.int64)]
    misfit = Misfit(scan.probe, scan.valid_mask)
    frames = scan.take(chosen).amplitude
    for start, predicted in expected_amplitudes(stitched, scan.positions[chosen], scan.probe):
        measured = np.asarray(frames[start : start + len(predicted)], np.float64)
        misfit.add(predicted[:, scan.valid_mask], measured[:, scan.valid_mask])
    return misfit.report()


def expected_amplitudes(
    stitched: StitchResult,
    positions: NDArray[np.float64],
    probe: NDArray[np.complex64],
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Compute √Σ_p|F(P_p·O)|² of an object at positions (M, 2), x then y [px].

    Yields:
        The index of the first position and the amplitudes (m, N, N) of some of them, zero
        frequency at N / 2.
    """
    side = probe.shape[-1]
    places = positions - side // 2 - np.array(stitched.origin_xy)
    corners = np.floor(places).astype(np.int64)
    blend = (places - corners).astype(np.float32)
    for start in range(0, len(positions), _BLOCK):
        part = slice(start, start + _BLOCK)
        crops = np.stack(
            [
                stitched.object[row : row + side + 1, column : column + side + 1]
                for column, row in corners[part]
            ]
        )
        x, y = (blend[part, axis, None, None] for axis in (0, 1))
        across = crops[:, :, :-1] + x * (crops[:, :, 1:] - crops[:, :, :-1])
        patches = across[:, :-1] + y * (across[:, 1:] - across[:, :-1])
        waves = fft.fft2(patches[:, None] * probe, norm="ortho")
        power = (np.square(waves.real) + np.square(waves.imag)).sum(axis=1, dtype=np.float64)
        yield start, np.sqrt(fft.fftshift(power, axes=(1, 2)))
