"""What nobody asks for: the defaults of every field, as the specification of the model says.

A suite that passes a flag does not see its default change; a person who passes none does.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ptycho_torch.config_params import SECTIONS

_OFF = False
DEFAULTS: dict[str, dict[str, Any]] = {
    "run": {"mode": "train", "output_dir": None, "seed": 42, "perturb": 0},
    "data": {
        **dict.fromkeys(
            ("N", "neighbor_count", "max_neighbor_distance", "companion_file", "scan")
        ),
        **dict.fromkeys(("oversample", "regroup", "swap_xy", "flip_x", "flip_y", "drop"), _OFF),
        "gridsize": 2,
        "n_groups": 512,
        "val_split": 0.1,
        "nphotons": 1e5,
        "input_kind": "auto",
        "translation_kind": "auto",
        "center": "check",
        "mmap_threshold_mb": 512,
    },
    "model": {
        "architecture": "cnn",
        "n_filters_scale": 2,
        "object_big": None,
        "probe_big": True,
        "c_outer": 4,
        "amp_activation": "bounded",
        "amp_max": 2.0,
        "hidden_slope": 0.1,
        "head_gain": 0.01,
        "weight_blur_sigma": 1.0,
        "weight_floor": 1e-3,
        "max_padded_factor": 4,
    },
    "training": {
        **dict.fromkeys(("train_data_file", "test_data_file", "gradient_clip_val", "resume")),
        "epochs": 100,
        "batch_size": 16,
        "torch_loss_mode": "poisson",
        "poisson_eps": 1e-8,
        "sqrt_eps": 1e-12,
        "learning_rate": 1e-3,
        "betas": (0.9, 0.999),
        "adam_eps": 1e-6,
        "weight_decay": 0.0,
        "warmup_steps": 10,
        "scheduler": "Default",
        "gamma": 0.95,
        "warmup_epochs": 0,
        "min_lr_ratio": 0.1,
        "plateau_factor": 0.5,
        "plateau_patience": 2,
        "plateau_min_lr": 1e-4,
        "accumulate_grad_batches": 1,
        "early_stop_patience": 100,
    },
    "inference": {
        **dict.fromkeys(("model_path", "test_data_file", "n_images", "debug_dump")),
        **dict.fromkeys(("refine_probe", "refine_positions", "log_patch_stats"), _OFF),
        "batch_size": 64,
        "patch_weighting": "probe",
        "coverage_threshold": 0.02,
        "metrics": "auto",
        "refine": 0,
        "patch_stats_limit": 1,
    },
    "execution": {
        "backend": "torch",
        "accelerator": "auto",
        "devices": 1,
        "num_nodes": 1,
        "strategy": "auto",
        "precision": "32-true",
        "compile": "off",
        "deterministic": True,
        "num_workers": 0,
        "pin_memory": False,
        "logger_backend": "csv",
        "enable_progress_bar": True,
        "enable_checkpointing": True,
        "checkpoint_save_top_k": 1,
        "checkpoint_every_n_steps": None,
        "checkpoint_monitor_metric": "val_loss",
        "checkpoint_mode": "min",
    },
}


@pytest.mark.parametrize("section", SECTIONS)
def test_defaults_are_those_of_the_specification(section: str) -> None:
    """Each field of a section, no more and no fewer."""
    fields = dataclasses.fields(SECTIONS[section])

    assert {field.name: field.default for field in fields} == DEFAULTS[section]
