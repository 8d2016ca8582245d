"""What tests of the TensorFlow backend share: the extra, a model in three implementations."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.config_params import ModelConfig
from ptycho_torch.pinn import PtychoPINN
from tests.builders import fields

NO_TENSORFLOW = "needs the extra tf: pip install 'ptycho-torch[tf]', or make test-tf"
HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
N = 32


def require_tensorflow() -> None:
    """Skip the calling module where the extra is not installed."""
    if not HAS_TENSORFLOW:
        pytest.skip(NO_TENSORFLOW, allow_module_level=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A small model with inputs, the same numbers for every backend."""

    config: ModelConfig
    torch_model: PtychoPINN
    state: dict[str, NDArray[np.float32]]
    X: NDArray[np.float32]
    rel: NDArray[np.float32]
    probe: NDArray[np.complexfloating[Any, Any]]

    def tensorflow_model(self, dtype: Any = np.float32) -> Any:
        """Build the model of the other backend from the same numbers."""
        from ptycho_torch.backends.tensorflow import model

        return model.build(
            self.config,
            self.state,
            C=self.torch_model.C,
            probe=self.probe,
            blend_weight=self.torch_model.blend_weight.numpy(),
            padded_size=self.torch_model.padded_size,
            dtype=dtype,
        )


def case(gridsize: int, B: int, modes: int = 1, **settings: Any) -> Case:
    """Make a narrow model with strong heads, and inputs for B groups."""
    rng = np.random.default_rng(gridsize * 10 + B)
    config = ModelConfig(**{"n_filters_scale": 1, "head_gain": 1.0, **settings})
    rel = fields.offsets(rng, max(B, 1), gridsize**2, 3.0)
    probe = fields.probe(N, modes)
    torch_model = PtychoPINN(
        config,
        N=N,
        gridsize=gridsize,
        probe=probe,
        padded_size=fields.canvas_side(N, rel),
        seed=9,
    )
    return Case(
        config=config,
        torch_model=torch_model,
        state={name: value.numpy() for name, value in torch_model.network.state_dict().items()},
        X=rng.gamma(1.0, size=(B, gridsize**2, N, N)).astype(np.float32),
        rel=rel[:B],
        probe=probe,
    )
