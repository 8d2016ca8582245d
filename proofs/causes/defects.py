"""Defects beyond the drills: one line of the model each, as a slip of the hand changes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defect:
    """One line of a file, as it is and as it is planted."""

    name: str
    path: str
    before: str
    after: str


_P = "ptycho_torch"

ALL: tuple[Defect, ...] = (
    Defect(
        "transform-not-unitary", f"{_P}/physics/far_field.py", 'norm="ortho"', 'norm="backward"'
    ),
    Defect(
        "spectrum-not-centred",
        f"{_P}/physics/far_field.py",
        "torch.fft.fftshift(field, dim=(-2, -1))",
        "field",
    ),
    Defect(
        "real-part-alone",
        f"{_P}/physics/detector.py",
        "far_field.real.square() + far_field.imag.square()",
        "far_field.real.square()",
    ),
    Defect(
        "probe-added-not-multiplied",
        f"{_P}/physics/exit_wave.py",
        "return patches[:, :, None] * probe",
        "return patches[:, :, None] + probe",
    ),
    Defect(
        "overlap-not-divided",
        f"{_P}/physics/overlap.py",
        "return total / cover",
        "return total",
    ),
    Defect(
        "canvas-not-divided",
        f"{_P}/physics/canvas.py",
        "np.divide(self.numerator, self.denominator, out=stitched, where=reached)",
        "np.copyto(stitched, self.numerator)",
    ),
    Defect(
        "corners-without-centre",
        f"{_P}/physics/canvas.py",
        "places = positions - side // 2 - origin",
        "places = positions - origin",
    ),
    Defect(
        "shifts-not-made",
        f"{_P}/physics/shift.py",
        "moved = _shift(stack, index, offsets.reshape(-1, 2), bound)",
        "moved = _shift(stack, index, 0 * offsets.reshape(-1, 2), bound)",
    ),
    Defect(
        "logarithm-of-the-inverse",
        f"{_P}/physics/losses.py",
        "counts * torch.log(rate / safe)",
        "counts * torch.log(safe / rate)",
    ),
    Defect(
        "mask-inverted",
        f"{_P}/physics/losses.py",
        "torch.where(valid_mask, values, 0.0)",
        "torch.where(valid_mask, 0.0, values)",
    ),
    Defect(
        "bound-of-the-head-lost",
        f"{_P}/network/heads.py",
        "return amp_max * torch.sigmoid(logits - math.log(amp_max - 1))",
        "return logits",
    ),
    Defect(
        "phase-lost",
        f"{_P}/network/heads.py",
        "phase = math.pi * torch.tanh(phase_logits)",
        "phase = 0 * torch.tanh(phase_logits)",
    ),
    Defect(
        "frames-squared",
        f"{_P}/data/dataset.py",
        "scaled = self._amplitude[groups] * np.float32(self._input_scale)",
        "scaled = self._amplitude[groups] ** 2 * np.float32(self._input_scale)",
    ),
    Defect(
        "probe-scale-forgotten",
        f"{_P}/data/scaling.py",
        "scaled = contract.probe_scale * probe_guess.astype(np.complex128)",
        "scaled = probe_guess.astype(np.complex128)",
    ),
    Defect(
        "energy-of-all-not-the-mean",
        f"{_P}/data/scaling.py",
        "mean_energy = total / scan.point_count",
        "mean_energy = total",
    ),
    Defect(
        "unit-of-the-loss-forgotten",
        f"{_P}/training/optimizer.py",
        "else intensity_scale**2",
        "else 1e12 * intensity_scale**2",
    ),
    Defect(
        "worst-epoch-kept",
        f"{_P}/training/epochs.py",
        'value < self.best_value if self.mode == "min" else value > self.best_value',
        'value > self.best_value if self.mode == "min" else value < self.best_value',
    ),
    Defect(
        "one-group-for-all",
        f"{_P}/data/dataset.py",
        "chosen = np.asarray(indices, dtype=np.int64)",
        "chosen = 0 * np.asarray(indices, dtype=np.int64)",
    ),
    Defect(
        "coverage-crashes",
        f"{_P}/reconstruct/coverage.py",
        "side = covered.shape[-1]",
        "side = covered.shape[7]",
    ),
    Defect(
        "history-has-no-head",
        f"{_P}/training/epochs.py",
        'lines = [",".join(COLUMNS)]',
        "lines: list[str] = []",
    ),
    Defect(
        "training-crashes",
        f"{_P}/training/module.py",
        "spread = amplitude.std(dim=(-2, -1), correction=0)",
        "spread = amplitude.std(dim=(-2, -9), correction=0)",
    ),
    Defect(
        "running-extremes-for-moments",
        f"{_P}/patch_stats/reduction.py",
        "squares = deviation.square().sum(area)",
        "squares = deviation.sum(area)",
    ),
)
