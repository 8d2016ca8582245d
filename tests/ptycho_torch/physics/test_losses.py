"""Losses: golden values, gradients, masks and the zero count."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ptycho_torch.physics import losses
from tests.laws.gradient import assert_gradient

Loss = Callable[..., losses.LossTerms]

GOLDEN = [
    (4, 9, 4.325178, 2.298372),
    (9, 9, 2.026806, 0.0),
    (0.5, 0.25, 0.575015, 0.076713),
    (1e-8, 1, 18.420681, 17.420681),
    (1, 0, 1.0, 1.0),
    (100, 100, 3.222357, 0.0),
]
EVERYWHERE = torch.ones(1, 1, dtype=torch.bool)


def _pixel(value: float, dtype: torch.dtype) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value, dtype=dtype)


@pytest.mark.parametrize(("rate", "count", "nll", "distance"), GOLDEN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1.0, 9.882118])
def test_likelihood_of_one_pixel(
    rate: float, count: float, nll: float, distance: float, dtype: torch.dtype, scale: float
) -> None:
    """The likelihood and the deviance of single pixels are the tabulated ones."""
    intensity = _pixel((rate - 1e-8) / scale**2, torch.float64).to(dtype)
    amplitude = _pixel(count**0.5 / scale, torch.float64).to(dtype)

    terms = losses.poisson(intensity, amplitude, scale, EVERYWHERE, 1e-8)

    assert float(terms.loss) == pytest.approx(nll, abs=5e-6)
    assert terms.deviance is not None
    assert float(terms.deviance) == pytest.approx(2 * distance, abs=1e-5)


def test_dark_prediction_stays_finite() -> None:
    """No predicted light against counts, and no counts at all, give finite gradients."""
    intensity = torch.zeros(2, 3, 4, 6, requires_grad=True)
    amplitude = torch.zeros(2, 3, 4, 6)
    amplitude[0] = 5.0
    mask = torch.ones(4, 6, dtype=torch.bool)

    for loss in (losses.poisson, losses.mae):
        (gradient,) = torch.autograd.grad(
            loss(intensity, amplitude, 9.9, mask, 1e-8).loss, intensity
        )
        assert gradient.isfinite().all()


@pytest.mark.parametrize(("loss", "eps"), [(losses.poisson, 1e-8), (losses.mae, 1e-12)])
def test_gradient_matches_differences(loss: Loss, eps: float) -> None:
    """The slope of each loss is that of finite differences."""
    generator = torch.Generator().manual_seed(0)
    intensity = torch.rand(2, 3, 4, 6, dtype=torch.float64, generator=generator) + 0.5
    amplitude = torch.rand(2, 3, 4, 6, dtype=torch.float64, generator=generator)
    amplitude[1, 2] = 0
    mask = torch.rand(4, 6, generator=generator) > 0.3

    assert_gradient(lambda values: loss(values, amplitude, 3.0, mask, eps).loss, intensity)


@pytest.mark.parametrize(("loss", "eps"), [(losses.poisson, 1e-8), (losses.mae, 1e-12)])
def test_masked_pixels_do_not_count(loss: Loss, eps: float) -> None:
    """Bad pixels change neither the mean nor its denominator, whatever they hold."""
    generator = torch.Generator().manual_seed(1)
    intensity, amplitude = torch.rand(2, 2, 3, 4, 6, generator=generator).unbind()
    mask = torch.ones(4, 6, dtype=torch.bool)
    mask[1, 2] = mask[3, 5] = False
    spoiled = torch.where(mask, intensity, 1e6)

    loss_value = loss(spoiled, amplitude, 3.0, mask, eps).loss

    each = [
        loss(
            intensity[b, c, y, x].view(1, 1, 1, 1),
            amplitude[b, c, y, x].view(1, 1, 1, 1),
            3.0,
            EVERYWHERE,
            eps,
        ).loss
        for b in range(2)
        for c in range(3)
        for y, x in mask.nonzero().tolist()
    ]
    torch.testing.assert_close(loss_value, torch.stack(each).mean(), rtol=1e-5, atol=1e-6)


def test_loss_is_least_at_the_data() -> None:
    """The deviance vanishes where prediction and measurement agree and grows elsewhere."""
    amplitude = torch.linspace(0.1, 3, 48, dtype=torch.float64).view(1, 2, 4, 6)
    mask = torch.ones(4, 6, dtype=torch.bool)

    fits = [
        losses.poisson(amplitude.square() * gain, amplitude, 10.0, mask, 1e-12).deviance
        for gain in (0.9, 1.0, 1.1)
    ]

    assert abs(float(fits[1])) < 1e-12
    assert float(fits[0]) > 0.1
    assert float(fits[2]) > 0.1


def test_mae_has_no_deviance() -> None:
    """The amplitude misfit is in √photons and carries no deviance."""
    terms = losses.mae(
        _pixel(4.0, torch.float64), _pixel(1.5, torch.float64), 10.0, EVERYWHERE, 1e-12
    )

    assert float(terms.loss) == pytest.approx(5.0, rel=1e-9)
    assert terms.deviance is None
