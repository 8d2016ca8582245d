"""The frozen settings of a run; every field has exactly one home.

Paths are kept as text. ``N`` is None until the data file has been looked at, and the
fields whose default depends on another field are None until the factory completes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from ptycho_torch import settings
from ptycho_torch.config_model import SIDE_RULE, SIDES, DataConfig, ModelConfig, RunSection
from ptycho_torch.config_run import InferenceConfig, PyTorchExecutionConfig, TrainingConfig
from ptycho_torch.errors import ConfigError

__all__ = [
    "ORIGINS",
    "SCHEMA",
    "SECTIONS",
    "SIDES",
    "SIDE_RULE",
    "DataConfig",
    "InferenceConfig",
    "ModelConfig",
    "PyTorchExecutionConfig",
    "RunConfig",
    "RunSection",
    "TrainingConfig",
    "digest",
    "field_keys",
    "section_from_dict",
    "section_to_dict",
]

ORIGINS = ("default", "flag", "file", "data", "bundle")
SCHEMA = 1

SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        "run": RunSection,
        "data": DataConfig,
        "model": ModelConfig,
        "training": TrainingConfig,
        "inference": InferenceConfig,
        "execution": PyTorchExecutionConfig,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All settings of a run and where each value came from.

    Attributes:
        provenance: Origin of every field, keyed ``section.field``.
    """

    run: RunSection = field(default_factory=RunSection)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    execution: PyTorchExecutionConfig = field(default_factory=PyTorchExecutionConfig)
    provenance: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        provenance: Mapping[str, str] | None = None,
        *,
        where: str = "configuration",
    ) -> RunConfig:
        """Build from nested plain values; absent fields take their defaults.

        Args:
            values: ``{section: {field: value}}``.
            provenance: Origins of the given values; the rest is ``default``.
            where: File or source to name in errors.

        Returns:
            The checked settings.

        Raises:
            ConfigError: An unknown section or key, or a value that is not allowed.
        """
        for section in values:
            if section not in SECTIONS:
                raise settings.unknown_key(where, section, SECTIONS)
        parts = {
            section: section_from_dict(section, values.get(section, {}), where=where)
            for section in SECTIONS
        }
        origins = dict.fromkeys(field_keys(), "default") | dict(provenance or {})
        return cls(**parts, provenance=origins)

    def values(self) -> dict[str, dict[str, Any]]:
        """Return the nested plain values, ready for JSON."""
        return {section: section_to_dict(getattr(self, section)) for section in SECTIONS}

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``config.json``; its digest covers values and provenance."""
        content = {
            "schema": SCHEMA,
            "values": self.values(),
            "provenance": dict(sorted(self.provenance.items())),
        }
        return {**content, "sha256": digest(content)}


def field_keys() -> list[str]:
    """List every field as ``section.field``."""
    return [
        f"{section}.{item.name}"
        for section, owner in SECTIONS.items()
        for item in fields(owner)
    ]


def section_from_dict(section: str, values: Any, *, where: str) -> Any:
    """Build one section from plain values.

    Raises:
        ConfigError: An unknown key, or a value that is not allowed.
    """
    owner = SECTIONS[section]
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: {section}", expected="an object", found=repr(values))
    known = {item.name for item in fields(owner)}
    for key in values:
        if key not in known:
            raise settings.unknown_key(
                where, f"{section}.{key}", (f"{section}.{name}" for name in known)
            )
    converted = {
        key: settings.convert(owner, key, value, where=f"{where}: {section}.{key}")
        for key, value in values.items()
    }
    return owner(**converted)


def section_to_dict(record: Any) -> dict[str, Any]:
    """Return the fields of one section as plain values."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(record).items()
    }


def digest(content: Any) -> str:
    """Digest plain values through their canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
