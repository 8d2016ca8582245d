"""A compiled network trains to the same numbers and leaves the same names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho_torch.errors import InputError
from ptycho_torch.training import compiling, devices
from tests.builders import bundles


@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning")  # torch.compile's own imports
def test_a_compiled_network_is_the_network() -> None:
    """Within the block calls are compiled; outputs, names and the network stay."""
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh())
    names, data = [*network.state_dict()], torch.ones(2, 3)
    plain = network(data)

    with compiling.compile_network(network, "aot_eager"):
        assert "forward" in vars(network)
        torch.testing.assert_close(network(data), plain)
        assert [*network.state_dict()] == names

    assert "forward" not in vars(network)


def test_off_compiles_nothing() -> None:
    """Without the flag the network is called as it is."""
    network = torch.nn.Linear(3, 5)

    with compiling.compile_network(network, "off"):
        assert "forward" not in vars(network)


@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning")  # torch.compile's own imports
def test_a_backend_that_fails_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the compiler says becomes the one line of the user."""
    network, real = torch.nn.Linear(3, 5), torch.compile

    def broken(*_graph: object) -> object:
        raise RuntimeError("no header Python.h")

    monkeypatch.setattr(torch, "compile", lambda call, **_: real(call, backend=broken))
    with pytest.raises(InputError) as caught, compiling.compile_network(network, "inductor"):
        network(torch.ones(2, 3))

    assert caught.value.where == "--compile"
    assert "Python.h" in caught.value.found
    assert "forward" not in vars(network)


@pytest.mark.parametrize("name", ["", "nowhere++"])
def test_a_missing_compiler_is_named(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without a C++ compiler --compile ends before anything is read or written."""
    monkeypatch.setenv("CXX", name)
    monkeypatch.setenv("PATH", str(tmp_path))
    config = bundles.settle(scan, tmp_path, compile="inductor").run_config

    with pytest.raises(InputError) as caught:
        devices.check(config)

    assert "C++ compiler" in caught.value.expected


@pytest.mark.long
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_training_is_close(
    scan: Path, tmp_path: Path, usual: Path, backend: str
) -> None:
    """A compiled training gives the losses, the names and nearly the weights of a plain one.

    As a program, because a compiler cannot trace the checks of shapes.
    """
    size = ("--max_epochs", "1", "--n_images", "8", "--batch_size", "4", "--quiet")
    plan = {"execution": {"compile": backend}}
    process = bundles.start(scan, tmp_path, *size, "--log-patch-stats", **plan)
    _, said = process.communicate(timeout=1200)

    assert process.returncode == 0, said
    assert bundles.record(tmp_path)["execution"]["compile"] == backend
    assert not any("orch" in text for text in bundles.record(tmp_path)["warnings"])
    compiled, plain = bundles.history(tmp_path)[0], bundles.history(usual)[0]
    assert float(compiled["train_loss"]) == pytest.approx(float(plain["train_loss"]), rel=1e-4)
    first, second = bundles.weights(tmp_path), bundles.weights(usual)
    assert sorted(first) == sorted(second)  # a file of tensors keeps no order
    name = "encoder.stage0.conv1.weight"
    assert np.abs(first[name] - second[name]).max() < 1e-3
