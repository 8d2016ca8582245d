"""The documented traps: each as a change to the source, and the test that must turn red."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = "tests/ptycho_torch"


@dataclass(frozen=True, slots=True)
class Edit:
    """Text of one file and what a defect makes of it."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Trap:
    """A documented way of being wrong.

    Attributes:
        name: What goes wrong.
        harm: Why nobody notices, or what it costs.
        test: The test that sees it.
        edits: The defect.
    """

    name: str
    harm: str
    test: str
    edits: tuple[Edit, ...]

    @property
    def node(self) -> str:
        """The test by its full path, without parameters."""
        return self.test if self.test.startswith("tests/") else f"{_HERE}/{self.test}"


def plant(trap: Trap, root: Path) -> None:
    """Change a copy of the project so that it has the defect.

    Raises:
        ValueError: The text to change is not there exactly once; the list is out of date.
    """
    for edit in trap.edits:
        path = root / "ptycho_torch" / edit.file
        content = path.read_text()
        if content.count(edit.old) != 1:
            raise ValueError(f"{trap.name}: {edit.file} holds {edit.old!r} not exactly once")
        path.write_text(content.replace(edit.old, edit.new))


def _trap(name: str, harm: str, test: str, *edits: tuple[str, str, str]) -> Trap:
    return Trap(name, harm, test, tuple(Edit(*edit) for edit in edits))


_SHIFT, _CANVAS = "physics/shift.py", "physics/canvas.py"

GEOMETRY = (
    _trap(
        "x and y exchanged in merge and extract",
        "passes every symmetric test",
        "physics/test_overlap.py::test_one_object_point_lands_once",
        (
            _SHIFT,
            "places[index, high - shift[:, 1], high - shift[:, 0]]",
            "places[index, high - shift[:, 0], high - shift[:, 1]]",
        ),
    ),
    _trap(
        "merge mirrored: both offsets have the other sign",
        "consistent with itself, so the loss falls all the same",
        "physics/test_overlap.py::test_one_object_point_lands_once",
        (
            _SHIFT,
            "_shift(stack, index, offsets.reshape(-1, 2), bound)",
            "_shift(stack, index, -offsets.reshape(-1, 2), bound)",
        ),
        (
            _SHIFT,
            "_shift(canvas, index, -offsets.reshape(-1, 2), backwards)",
            "_shift(canvas, index, offsets.reshape(-1, 2), backwards)",
        ),
    ),
    _trap(
        "last row and column blanked by a shift",
        "a rim is lost at every merge",
        "tests/tf_helper/test_translation_shape_guard.py::test_non_xla_translation_guard",
        (
            _SHIFT,
            "_run(_Place, images[:, None],",
            "_run(_Place, functional.pad(images[:, :-1, :-1], (0, 1, 0, 1))[:, None],",
        ),
    ),
    _trap(
        "seed of a group taken as its origin instead of the mean",
        "half of the canvas stays empty, the other half overflows",
        "data/test_grouping.py::test_geometry_of_the_golden_group",
        ("data/grouping.py", "members - centres[:, None]", "members - members[:, :1]"),
    ),
    _trap(
        "self removed from the neighbours by distance, not by index",
        "repeated positions put a frame into its group twice",
        "data/test_grouping.py::test_nearest_survives_all_equal_points",
        (
            "data/grouping.py",
            "squared[candidates == seeds[:, None]] = np.inf",
            "squared[:, 0] = np.inf",
        ),
    ),
    _trap(
        "one frame copied into every channel",
        "the overlap constraint constrains nothing",
        "data/test_dataset.py::test_batch_is_scaled_frames_of_its_groups",
        (
            "data/dataset.py",
            "self._amplitude[groups]",
            "self._amplitude[groups[:, :1].repeat(groups.shape[1], 1)]",
        ),
    ),
    _trap(
        "all channels placed at the position of the first",
        "the object is blurred by the size of a group",
        "reconstruct/test_predict.py::test_patches_land_at_their_own_positions",
        (
            "reconstruct/predict.py",
            "positions.reshape(-1, 2))",
            "positions[:, :1].repeat(positions.shape[1], 1).reshape(-1, 2))",
        ),
    ),
    _trap(
        "pixels that no patch reached are NaN",
        "every later mean is NaN",
        f"{_HERE}/physics/test_canvas.py::test_uncovered_pixels_are_zero",
        (
            _CANVAS,
            "np.divide(self.numerator, self.denominator, out=stitched, where=reached)",
            "stitched = self.numerator / np.where(reached, self.denominator, np.nan)",
        ),
    ),
)

PHYSICS = (
    _trap(
        "modes summed as fields",
        "partial coherence turns into interference",
        "physics/test_detector.py::test_modes_do_not_interfere",
        (
            "physics/detector.py",
            "(far_field.real.square() + far_field.imag.square()).sum(dim=2)",
            "far_field.sum(dim=2).abs().square()",
        ),
    ),
    _trap(
        "amplitude where intensity belongs",
        "the likelihood has another optimum",
        "test_pinn.py::test_power_is_that_behind_the_object",
        ("physics/detector.py", ".sum(dim=2)", ".sum(dim=2).sqrt()"),
    ),
    _trap(
        "probe applied twice",
        "the object takes the probe's inverse",
        "physics/test_exit_wave.py::test_every_pair_of_patch_and_mode",
        (
            "physics/exit_wave.py",
            "return patches[:, :, None] * probe",
            "return patches[:, :, None] * probe * probe",
        ),
    ),
    _trap(
        "zero frequency left in the corner",
        "prediction and data are shuffled against each other",
        "physics/test_far_field.py::test_plane_wave_hits_one_pixel",
        ("physics/far_field.py", "torch.fft.fftshift(field, dim=(-2, -1))", "field"),
    ),
    _trap(
        "transform that does not keep the power",
        "the gauge of the object depends on N",
        "physics/test_far_field.py::test_power_is_kept",
        ("physics/far_field.py", 'norm="ortho"', 'norm="backward"'),
    ),
    _trap(
        "gain that depends on the batch",
        "the same frame gives another object in other company",
        "test_pinn.py::test_company_and_order_do_not_matter",
        ("pinn.py", "= self.network(X)", "= self.network(X / X.mean())"),
    ),
    _trap(
        "heads that start at exactly zero",
        "no gradient leaves the heads; gridsize 1 collapses",
        "network/test_autoencoder.py::test_start_is_near_one_and_alive",
        (
            "network/autoencoder.py",
            "head_gain=config.head_gain",
            "head_gain=0 * config.head_gain",
        ),
    ),
)

SCALES = (
    _trap(
        "intensity scale stored but not applied in the loss",
        "the photon noise is weighed wrongly at every dose",
        "physics/test_losses.py::test_loss_is_least_at_the_data",
        (
            "physics/losses.py",
            "rate = intensity_scale**2 * intensity + eps",
            "rate = intensity + eps",
        ),
    ),
    _trap(
        "scale of inference differs from the stored one",
        "training and inference see different inputs",
        "reconstruct/test_forward_parity.py::test_light_network_keeps_parity",
        (
            "reconstruct/predict.py",
            "plan.groups, plan.offsets, input_scale)",
            "plan.groups, plan.offsets, 1.001 * input_scale)",
        ),
    ),
    _trap(
        "stored scales are not checked",
        "a damaged bundle reconstructs quietly wrong",
        "data/test_scaling.py::test_damaged_contract_is_refused",
        ("data/scaling.py", "        check(contract, where)\n", ""),
    ),
    _trap(
        "scales fitted on the held-out part too",
        "validation is no longer unseen",
        "training/test_prepare.py::test_scales_see_the_training_part_only",
        ("training/prepare.py", "scaling.fit(train_part[0],", "scaling.fit(train_data,"),
    ),
    _trap(
        "held-out frames stay in the training part",
        "the validation loss falls with the training loss",
        "training/test_prepare.py::test_parts_share_no_frame",
        (
            "training/prepare.py",
            "return (train_data.take(train_rows), train_rows), (",
            "return (train_data, everything), (",
        ),
    ),
    _trap(
        "gridsize of a flag beats that of the bundle",
        "weights of one structure run in another",
        "tests/torch/test_config_factory.py::TestInferencePayload::test_contradictions_are_refused",
        (
            "config_factory.py",
            "    _refuse_contradictions(builder, info.configs.to_dict())\n",
            "",
        ),
    ),
    _trap(
        "weights loaded without their shapes being checked",
        "another model answers",
        "bundle/test_tamper.py::test_weights_must_fit_exactly",
        ("bundle/tensors.py", "if shapes_[name] != shape:", "if shapes_[name] == ():"),
    ),
)

TRAINING = (
    _trap(
        "weights at the end stored instead of the best",
        "a diverging last epoch is what gets used",
        "training/test_fit.py::test_the_best_epoch_is_stored",
        (
            "training/fit.py",
            "    module.model.network.load_state_dict(module.progress.best_weights)\n",
            "",
        ),
    ),
    _trap(
        "schedule made but never stepped",
        "the rate in the log is not the rate in use",
        "training/test_optimizer.py::test_exponential_multiplies",
        ("training/module.py", "if plan is None:", "if plan is not optimiser:"),
    ),
    _trap(
        "accumulation accepted and ignored",
        "the batch is smaller than the record says",
        "training/test_train_flags.py::test_accumulation_joins_batches",
        (
            "training/trainers.py",
            "accumulate_grad_batches=training.accumulate_grad_batches",
            "accumulate_grad_batches=1",
        ),
    ),
    _trap(
        "global generator seeded inside the library",
        "a caller's random numbers change",
        "training/test_fit.py::test_global_generators_stay",
        ("pinn.py", "return torch.Generator().manual_seed", "return torch.manual_seed"),
    ),
    _trap(
        "statistics flags lost on the way to the model",
        "the evidence is an empty file",
        "tests/torch/test_cli_train_torch.py::TestPatchStatsCLI::test_patch_stats_dump",
        (
            "training/fit.py",
            "if not config.inference.log_patch_stats:\n        return None",
            "if config:\n        return None",
        ),
    ),
    _trap(
        "a batch counted twice in the statistics",
        "the limit is reached before the evidence",
        "patch_stats/test_logger.py::test_batches_are_counted_once",
        ("patch_stats/logger.py", "if key in self._seen or not", "if not"),
    ),
    _trap(
        "variance printed with six decimals",
        "1e-8 reads as zero",
        "patch_stats/test_logger.py::test_the_log_line_is_scientific",
        ("patch_stats/logger.py", "var_zero_mean=%.6e", "var_zero_mean=%.6f"),
    ),
    _trap(
        "statistics not written when the run fails",
        "the run that needs them has none",
        "patch_stats/test_logger.py::test_files_are_written_on_failure",
        (
            "patch_stats/logger.py",
            'happened."""\n        self.finalize()',
            'happened."""\n        if kind is None:\n            self.finalize()',
        ),
    ),
)

TRAPS = (*GEOMETRY, *PHYSICS, *SCALES, *TRAINING)
