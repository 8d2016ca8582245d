"""Settings declared once: bounds, words and conversions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from ptycho_torch import settings
from ptycho_torch.config_params import SECTIONS, DataConfig, TrainingConfig
from ptycho_torch.errors import ConfigError
from ptycho_torch.settings import setting


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One field of each kind."""

    share: float = setting(0.5, "A share.", low=0, high=1)
    length: float = setting(1.0, "A length.", unit="px", above=0)
    count: int | None = setting(None, "A count.", low=1)
    name: str = setting("a", "A name.", choices=("a", "b"), refused={"c": "c is gone"})
    pair: tuple[float, float] = setting((0.0, 1.0), "A pair.")
    is_on: bool = setting(default=False, meaning="A switch.")


GOOD: list[tuple[str, Any, Any]] = [
    ("share", 0, 0.0),
    ("share", 1, 1.0),
    ("length", 1e-9, 1e-9),
    ("count", None, None),
    ("count", 1, 1),
    ("name", "b", "b"),
    ("pair", [1, 2], (1.0, 2.0)),
    ("is_on", True, True),
]
BAD: list[tuple[str, Any]] = [
    ("share", 1.1),
    ("share", -0.1),
    ("share", float("nan")),
    ("share", float("inf")),
    ("share", "0.5"),
    ("share", True),
    ("share", None),
    ("length", 0),
    ("count", 0),
    ("count", 1.0),
    ("count", True),
    ("name", "c"),
    ("name", 1),
    ("pair", [1, 2, 3]),
    ("pair", ["a", 2]),
    ("pair", 1),
    ("pair", [float("nan"), 1]),
    ("is_on", 1),
    ("is_on", "true"),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_good_values_are_converted(name: str, value: Any, expected: Any) -> None:
    """Numbers become the type of their field."""
    converted = settings.convert(Sample, name, value, where="x")

    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_values_are_refused(name: str, value: Any) -> None:
    """Type, bounds and choices; the error names place and value."""
    with pytest.raises(ConfigError) as caught:
        settings.convert(Sample, name, value, where="here")

    assert caught.value.where == "here"
    assert caught.value.found == repr(value)


def test_errors_say_what_is_allowed() -> None:
    """Bounds, unit and choices are part of the sentence."""
    assert settings.expectation(Sample, "share") == "a number at least 0 and at most 1"
    assert settings.expectation(Sample, "length") == "a number greater than 0 px"
    assert settings.expectation(Sample, "name") == "one of a, b"
    assert settings.expectation(Sample, "count") == "an integer at least 1, or null"


def test_refusals_carry_their_reason() -> None:
    """A value known to be gone is answered with why."""
    with pytest.raises(ConfigError) as caught:
        settings.convert(Sample, "name", "c", where="x")

    assert caught.value.remedy == "c is gone"


def test_flag_text_is_parsed() -> None:
    """Text becomes the field's type; none stands for null where null is allowed."""
    assert settings.parse(Sample, "count", "3", where="x") == 3
    assert settings.parse(Sample, "count", "none", where="x") is None
    assert settings.parse(Sample, "share", "1e-1", where="x") == 0.1
    for name, text in (("count", "3.5"), ("share", "none"), ("share", "nan")):
        with pytest.raises(ConfigError):
            settings.parse(Sample, name, text, where="x")


def test_every_field_is_declared() -> None:
    """Each field of each section has a meaning, and its default is allowed."""
    for owner in SECTIONS.values():
        record = owner()
        for field in dataclasses.fields(owner):
            assert settings.get_declaration(field).meaning.endswith(".")
        settings.validate(record)


def test_bounds_of_the_field_log() -> None:
    """Defaults that other software relies on."""
    training, data = TrainingConfig(), DataConfig()

    assert (training.epochs, training.batch_size, training.learning_rate) == (100, 16, 1e-3)
    assert (training.betas, training.gamma, training.plateau_min_lr) == (
        (0.9, 0.999),
        0.95,
        1e-4,
    )
    assert (data.n_groups, data.gridsize, data.val_split, data.nphotons) == (512, 2, 0.1, 1e5)
    assert [DataConfig(gridsize=side).neighbours for side in (1, 2, 3)] == [6, 6, 11]
