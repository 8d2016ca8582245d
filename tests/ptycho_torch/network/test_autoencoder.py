"""The default network: parameter counts, names, start values and folding."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ptycho_torch.config_params import SIDES, ModelConfig
from ptycho_torch.errors import ConfigError
from ptycho_torch.network import registry
from ptycho_torch.network.autoencoder import Autoencoder

COUNTS = [
    (32, 1, 1, True, 431_548),
    (32, 1, 4, True, 438_256),
    (32, 2, 1, True, 1_711_036),
    (32, 2, 4, True, 1_724_656),
    (32, 2, 9, True, 1_747_356),
    (64, 2, 1, True, 2_331_772),
    (64, 2, 4, True, 2_340_208),
    (64, 2, 9, True, 2_354_268),
    (64, 2, 1, False, 2_252_026),
    (64, 2, 4, False, 2_257_000),
    (128, 2, 1, True, 4_661_212),
    (128, 2, 4, True, 4_667_056),
    (128, 2, 9, True, 4_676_796),
    (256, 2, 1, True, 12_912_268),
    (256, 2, 4, True, 12_916_816),
    (256, 2, 9, True, 12_924_396),
]


def _network(N: int, C: int, **settings: object) -> Autoencoder:
    return Autoencoder(ModelConfig(**settings), N, C, torch.Generator().manual_seed(3))


@pytest.mark.parametrize(("N", "scale", "C", "probe_big", "count"), COUNTS)
def test_parameters_are_as_planned(
    N: int, scale: int, C: int, count: int, *, probe_big: bool
) -> None:
    """The number of parameters is that of the layer plan."""
    network = _network(N, C, n_filters_scale=scale, probe_big=probe_big)

    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_default_splits_into_encoder_and_towers() -> None:
    """The encoder and the two equal towers have their planned shares."""
    network = _network(64, 4)

    shares = [
        sum(parameter.numel() for parameter in part.parameters())
        for part in (network.encoder, network.amp, network.phase)
    ]

    assert shares == [1_145_984, 597_112, 597_112]


def test_tensor_names_are_the_contract() -> None:
    """Bundles hold exactly these names."""
    layers = ["encoder.stage0", "encoder.stage1", "amp.stage0", "phase.stage0"]
    names = [f"{layer}.conv{index}" for layer in layers for index in (1, 2)]
    for tower in ("amp", "phase"):
        names += [f"{tower}.centre", *(f"{tower}.outer.conv{index}" for index in (1, 2, 3))]

    tensors = _network(32, 4, n_filters_scale=1).state_dict()

    assert set(tensors) == {f"{name}.{part}" for name in names for part in ("weight", "bias")}
    assert all(tensor.is_contiguous() for tensor in tensors.values())


@pytest.mark.parametrize("N", [32, 48, 64, 128, 136, 256, 512])
def test_light_network_is_light(N: int) -> None:
    """The light network takes less than half of the default's multiplications."""
    work = []
    for name in ("cnn-lite", "cnn"):
        config = ModelConfig(architecture=name)
        network = registry.build(config, N, 3, torch.Generator()).to("meta")
        with FlopCounterMode(display=False) as counter:
            patches = network(torch.empty(2, 3, N, N, device="meta"))
        assert patches.shape == (2, 3, N, N)
        work.append(counter.get_total_flops())

    assert work[0] < 0.5 * work[1]


@pytest.mark.parametrize("name", ["cnn", "cnn-lite"])
def test_every_side_has_a_network(name: str) -> None:
    """Patches have the side of their frames, for each multiple of 8 from 32 to 512."""
    config = ModelConfig(architecture=name, n_filters_scale=1)
    for N in (*SIDES[::9], 136, 248, 504, 512):
        network = registry.build(config, N, 1, torch.Generator()).to("meta")

        assert network(torch.empty(1, 1, N, N, device="meta")).shape == (1, 1, N, N)


@pytest.mark.parametrize("N", [136, 248])
def test_rim_of_zeros_is_centred(N: int) -> None:
    """A side between powers of 2 sees its frame in the middle of a larger one of zeros."""
    network = _network(N, 1, n_filters_scale=1)
    X = torch.rand(1, 1, N, N)
    with torch.inference_mode():
        patches = network(X)
        rim, network.rim = network.rim, 0
        larger = network(torch.nn.functional.pad(X, (rim,) * 4))

    assert 0 < rim <= 16
    assert torch.equal(patches, larger[..., rim:-rim, rim:-rim])


def test_start_is_near_one_and_alive() -> None:
    """Before training the amplitude is near 1 and the phase near 0, yet not constant."""
    X = torch.rand(2, 4, 64, 64, generator=torch.Generator()) * 2

    with torch.inference_mode():
        patches = _network(64, 4)(X)

    assert float((patches.abs() - 1).abs().max()) < 0.1
    assert float(patches.angle().abs().max()) < 0.3
    assert 1e-4 < float(patches.abs().std()) < 0.05


def test_without_border_the_rim_is_dark() -> None:
    """Without a predicted border the object there is exactly zero."""
    patches = _network(32, 4, n_filters_scale=1, probe_big=False)(torch.rand(2, 4, 32, 32))

    assert not patches[..., :8, :].any()
    assert not patches[..., :, 24:].any()
    assert patches[..., 8:24, 8:24].abs().min() > 0.5


def test_single_patterns_do_not_talk() -> None:
    """Without overlap each pattern passes alone; with it a group shares its channels."""
    X = torch.rand(2, 4, 32, 32)
    changed = X.clone()
    changed[0, 1] = 0

    alone, joint = (
        _network(32, 4, n_filters_scale=1, object_big=object_big)
        for object_big in (False, True)
    )

    same = (alone(X) == alone(changed)).all(dim=(-2, -1))
    assert same.tolist() == [[True, False, True, True], [True] * 4]
    assert not (joint(X)[0] == joint(changed)[0]).all(dim=(-2, -1)).any()


def test_unknown_architecture_is_refused() -> None:
    """The settings already refuse an unknown name, and so does the registry."""
    config = ModelConfig()
    object.__setattr__(config, "architecture", "unet")

    with pytest.raises(ConfigError, match="unet"):
        registry.build(config, 32, 4, torch.Generator())
