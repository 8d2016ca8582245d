"""The heads: golden values, ranges, refusals."""

from __future__ import annotations

import math

import pytest
import torch

from ptycho_torch.errors import ConfigError
from ptycho_torch.network import heads

GOLDEN = [
    ("bounded", 2.0, 1.0, 1.462117),
    ("bounded", 4.0, 1.0, 1.901468),
    ("softplus", 2.0, 1.0, 1.735326),
    ("sigmoid", 2.0, 0.5, 0.731059),
    ("swish", 2.0, 0.0, 0.731059),
]


@pytest.mark.parametrize(("kind", "amp_max", "at_zero", "at_one"), GOLDEN)
def test_amplitude_of_a_logit(kind: str, amp_max: float, at_zero: float, at_one: float) -> None:
    """Each head gives its tabulated amplitudes at logits 0 and 1."""
    logits = torch.tensor([0.0, 1.0], dtype=torch.float64).view(1, 1, 1, 2)

    amplitudes = heads.amplitude(logits, kind, amp_max).flatten().tolist()

    assert amplitudes == pytest.approx([at_zero, at_one], abs=5e-7)


def test_phase_fills_the_circle() -> None:
    """The phase is π·tanh(z): zero at zero, ±π far out, amplitude kept."""
    logits = torch.tensor([-30.0, -0.5, 0.0, 0.5]).view(1, 1, 2, 2)

    patches = heads.combine(torch.full((1, 1, 2, 2), 1.5), logits).flatten()

    assert patches.abs().tolist() == pytest.approx([1.5] * 4)
    assert abs(float(patches[0].angle())) == pytest.approx(math.pi, abs=1e-5)
    assert patches[1:].angle().tolist() == pytest.approx(
        [-math.pi * math.tanh(0.5), 0, math.pi * math.tanh(0.5)]
    )


@pytest.mark.parametrize(("kind", "amp_max"), [("relu", 2.0), ("bounded", 1.0)])
def test_impossible_heads_are_refused(kind: str, amp_max: float) -> None:
    """An unknown head and a bound at or below 1 are named."""
    with pytest.raises(ConfigError):
        heads.check(kind, amp_max)


def test_unbounded_head_warns(caplog: pytest.LogCaptureFixture) -> None:
    """The head that may be negative says so."""
    heads.check("swish", 2.0)

    assert "unbounded" in caplog.text
