"""What the factory hands down a run: complete settings, split by consumer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
class TrainingPayload:
    """Everything a training run needs to know before data are loaded.

    Attributes:
        pt_data_config: Reading, grouping and splitting.
        pt_model_config: Network and forward model.
        pt_training_config: Loss, optimiser, schedule.
        pt_inference_config: Patch statistics of the training steps, too.
        execution_config: Device, precision, logging, checkpointing.
        overrides_applied: Fields that are not at their default, with value and origin.
        run_config: The same settings as one record.
    """

    pt_data_config: DataConfig
    pt_model_config: ModelConfig
    pt_training_config: TrainingConfig
    pt_inference_config: InferenceConfig
    execution_config: PyTorchExecutionConfig
    overrides_applied: Mapping[str, Mapping[str, Any]]
    run_config: RunConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class InferencePayload:
    """Everything an inference run needs to know before data are loaded.

    Attributes:
        pt_data_config: Reading and grouping, structure taken from the bundle.
        pt_inference_config: What is reconstructed and how.
        execution_config: Device and precision.
        overrides_applied: Fields that are not at their default, with value and origin.
        run_config: The same settings as one record.
    """

    pt_data_config: DataConfig
    pt_inference_config: InferenceConfig
    execution_config: PyTorchExecutionConfig
    overrides_applied: Mapping[str, Mapping[str, Any]]
    run_config: RunConfig
