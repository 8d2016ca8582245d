"""The public Python names: signature and first sentence, from the code."""

from __future__ import annotations

import enum
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from proofs.docs import regions

MODEL = {
    "ptycho_torch.config_factory": ("create_training_payload", "create_inference_payload"),
    "ptycho_torch.workflows.training": ("train",),
    "ptycho_torch.workflows.components": (
        "run_cdi_example_torch",
        "train_cdi_model_torch",
        "load_inference_bundle_torch",
    ),
    "ptycho_torch.model": ("PtychoPINN", "PtychoPINN_Lightning"),
    "ptycho_torch.reassembly": (
        "translate",
        "merge_group",
        "extract_group",
        "canvas_geometry",
        "stitch",
    ),
    "ptycho_torch.patch_stats_instrumentation": ("PatchStatsLogger",),
    "ptycho_torch.cli.shared": (
        "build_execution_config_from_args",
        "resolve_accelerator",
        "validate_paths",
    ),
    "ptycho_torch.oracle": (
        "make_groups",
        "translate",
        "merge",
        "extract",
        "forward",
        "stitch",
    ),
}
HARNESS = {
    "harness.runner.pytest_plugin": (),
    "harness.judgement.guards.base": (
        "Guard",
        "Evidence",
        "Golden",
        "result",
        "judge_interval",
    ),
    "harness.verdict": ("Verdict",),
}


def model() -> str:
    """Write a table per public module of the model package."""
    return "\n".join(_section(name, names) for name, names in MODEL.items())


def harness() -> str:
    """Write a table per public module of the harness."""
    return "\n".join(_section(name, names) for name, names in HARNESS.items() if names)


def _section(name: str, names: tuple[str, ...]) -> str:
    module = importlib.import_module(name)
    about = inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].replace("``", "`")
    rows = regions.table(("name", "arguments", "what it is"), _rows(module, names))
    return f"### `{name}`\n\n{about}\n\n{rows}"


def _rows(module: Any, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name in names:
        value = getattr(module, name)
        text = inspect.cleandoc(value.__doc__ or "").split("\n\n")[0].replace("``", "`")
        yield f"`{name}`", _arguments(value), text


def _arguments(value: Any) -> str:
    if inspect.isclass(value) and (value.__init__ is object.__init__ or _is_protocol(value)):
        return "—"
    arguments = [
        f"{p.name}={p.default!r}" if p.default is not p.empty else p.name
        for p in inspect.signature(value).parameters.values()
        if p.kind is not p.VAR_POSITIONAL
    ]
    return f"`{', '.join(arguments)}`" if arguments else "—"


def _is_protocol(value: type) -> bool:
    return bool(vars(value).get("_is_protocol")) or issubclass(value, enum.Enum)
