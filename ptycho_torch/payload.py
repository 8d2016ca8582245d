"""What the factory hands down a run: the complete settings, seen by consumer.

The settings are held once, in ``run_config``; every other name is a view of them, so that no
two of them can disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ptycho_torch.config_params import (
    DataConfig,
    InferenceConfig,
    ModelConfig,
    PyTorchExecutionConfig,
    RunConfig,
    TrainingConfig,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    """The complete settings of a run.

    Attributes:
        run_config: Every setting, and where its value came from.
    """

    run_config: RunConfig

    @property
    def pt_data_config(self) -> DataConfig:
        """Reading, grouping and splitting."""
        return self.run_config.data

    @property
    def pt_inference_config(self) -> InferenceConfig:
        """What is reconstructed and how; patch statistics of training steps, too."""
        return self.run_config.inference

    @property
    def execution_config(self) -> PyTorchExecutionConfig:
        """Device, precision, logging, checkpointing."""
        return self.run_config.execution

    @property
    def overrides_applied(self) -> Mapping[str, Mapping[str, Any]]:
        """Fields that are not at their default, with value and origin."""
        values = self.run_config.values()
        applied = {}
        for key, origin in sorted(self.run_config.provenance.items()):
            section, name = key.split(".", 1)
            if origin != "default":
                entry = {"value": values[section][name], "origin": origin}
                applied[key] = MappingProxyType(entry)
        return MappingProxyType(applied)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPayload(_Payload):
    """Everything a training run needs to know before data are loaded."""

    @property
    def pt_model_config(self) -> ModelConfig:
        """Network and forward model."""
        return self.run_config.model

    @property
    def pt_training_config(self) -> TrainingConfig:
        """Loss, optimiser, schedule."""
        return self.run_config.training


@dataclass(frozen=True, slots=True, kw_only=True)
class InferencePayload(_Payload):
    """Everything an inference run needs to know, its structure taken from the bundle."""
