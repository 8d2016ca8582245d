"""The selectors of the gate must be able to fail: each one does once its defect is planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ptycho_torch import config_factory
from ptycho_torch.patch_stats import reduction
from ptycho_torch.physics import canvas, shift
from tests.builders import bundles
from tests.tf_helper import test_translation_shape_guard as translation
from tests.torch import test_cli_train_torch as dump
from tests.torch import test_config_factory as factory
from tests.torch import test_inference_reassembly_parity as reassembly
from tests.torch import test_patch_stats_cli as flags


def drop_some_flags(patch: pytest.MonkeyPatch) -> None:
    """The limit of the records and the neighbours of a group get lost on the way."""
    right = config_factory._collect_explicit
    lost = ("inference.patch_stats_limit", "data.neighbor_count")
    patch.setattr(
        config_factory,
        "_collect_explicit",
        lambda *arguments: {k: v for k, v in right(*arguments).items() if k not in lost},
    )


def mirror_the_stitch(patch: pytest.MonkeyPatch) -> None:
    """Patches are placed upside down."""
    spread = canvas._spread
    patch.setattr(canvas, "_spread", lambda stack, blend: spread(stack, blend)[:, ::-1])


def tile_the_offsets(patch: pytest.MonkeyPatch) -> None:
    """Offsets are repeated until their number fits."""
    right = shift.translate

    def guessing(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        times = -(-len(images) // len(offsets))
        return right(images, offsets.repeat(times, 1)[: len(images)])

    patch.setattr(shift, "translate", guessing)


def flatten_the_statistics(patch: pytest.MonkeyPatch) -> None:
    """The recorded patches have no spread."""
    right = reduction.whole
    patch.setattr(reduction, "whole", lambda moments: {**right(moments), "var_zero_mean": 0.0})


@pytest.mark.parametrize("kind", ["probe", "hann", "uniform"])
def test_reassembly_bites(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirrored stitch does not pass for the known object."""
    mirror_the_stitch(monkeypatch)

    with pytest.raises(AssertionError):
        reassembly.test_known_object_is_recovered(kind)


@pytest.mark.parametrize(
    "selector",
    [
        reassembly.test_groups_place_every_channel,
        reassembly.test_fractional_stitch_matches_the_oracle,
    ],
)
def test_placing_bites(selector: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirrored stitch is neither the groups' object nor the oracle's."""
    mirror_the_stitch(monkeypatch)

    with pytest.raises(AssertionError):
        selector()


@pytest.mark.parametrize(("images", "offsets"), [(128, 4), (3, 1)])
def test_translation_bites(images: int, offsets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A translation that repeats offsets until they fit does not pass."""
    tile_the_offsets(monkeypatch)

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        translation.test_non_xla_translation_guard("torch", images, offsets)


def test_flags_bite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factory that drops a flag does not pass."""
    drop_some_flags(monkeypatch)

    with pytest.raises(AssertionError):
        flags.TestPatchStatsCLI().test_patch_stats_flags_accepted(tmp_path, monkeypatch)


def test_factory_bites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The factory's own tests see a factory that drops a flag."""
    drop_some_flags(monkeypatch)
    scan = bundles.write_scan(tmp_path)
    tests = factory.TestTrainingPayload()

    for selector in (tests.test_sections_are_the_same_objects, tests.test_aliases):
        with pytest.raises(AssertionError):
            selector(scan, tmp_path)


def test_dump_bites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches without spread do not pass the field log's guard."""
    flatten_the_statistics(monkeypatch)
    bundles.leave_undrawn(monkeypatch)

    with pytest.raises(AssertionError):
        dump.TestPatchStatsCLI().test_patch_stats_dump(bundles.write_scan(tmp_path), tmp_path)
