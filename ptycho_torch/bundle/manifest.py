"""``bundle.json``: what the weights mean, and the digests that hold the bundle together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ptycho_torch import config_params
from ptycho_torch.config_params import (
    DataConfig,
    InferenceConfig,
    ModelConfig,
    RunConfig,
    TrainingConfig,
)
from ptycho_torch.data.scaling import ScalingContract
from ptycho_torch.errors import BundleError, ConfigError

SCHEMA = 1
SECTIONS = ("data", "model", "training", "inference")
# Settings that earlier releases had not, with what their trainings did.
_OF_OLDER_BUNDLES: Mapping[str, Mapping[str, Any]] = {
    "data": {"scan": None, "center": "keep", "drop": False, "regroup": False},
    "training": {"warmup_steps": 0},
    "inference": {"refine": 0, "refine_probe": False, "refine_positions": False},
}
_PATHS = frozenset(
    {
        "companion_file",
        "train_data_file",
        "test_data_file",
        "model_path",
        "debug_dump",
        "resume",
    }
)
_KEYS = frozenset(
    {
        "schema",
        "package_version",
        "configs",
        "field_provenance",
        "scaling",
        "geometry",
        "training",
        "provenance",
        "members",
        "digest",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configs:
    """The settings a bundle was trained with; paths are file names only."""

    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
    inference: InferenceConfig

    @classmethod
    def from_run(cls, config: RunConfig) -> Configs:
        """Take the sections of a run that a bundle keeps."""
        plain = config.values()
        return cls(**{name: _section(name, _without_folders(plain[name])) for name in SECTIONS})

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain values by section."""
        return {name: config_params.section_to_dict(getattr(self, name)) for name in SECTIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Sizes and extent of the training scan.

    Attributes:
        N: Side of a patch [px].
        gridsize: Side of a group.
        C: Patterns per group.
        padded_size: Side of the group canvas [px].
        max_rel: Farthest offset from a group's centre, on either axis [px].
        pixel_size_m: Object pixel [m], when known.
        positions_bbox: Smallest x, smallest y, largest x, largest y [px].
    """

    N: int
    gridsize: int
    C: int
    padded_size: int
    max_rel: float
    pixel_size_m: float | None
    positions_bbox: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of ``bundle.json``.

    Attributes:
        package_version: Version that wrote the bundle.
        configs: Settings the model is rebuilt from.
        field_provenance: Origin of each of these settings.
        scaling: Scales to apply, never to refit.
        geometry: Sizes and extent of the training scan.
        training: best_epoch, monitor, best_value, epochs_run, n_parameters.
        provenance: Commit, datasets, libraries, platform, seed.
    """

    package_version: str
    configs: Configs
    field_provenance: Mapping[str, str]
    scaling: ScalingContract
    geometry: Geometry
    training: Mapping[str, Any]
    provenance: Mapping[str, Any]

    def encode(self, members: Mapping[str, bytes]) -> bytes:
        """Write as JSON, with the digests of the other members and then its own."""
        geometry = dataclasses.asdict(self.geometry)
        content = {
            "schema": SCHEMA,
            "package_version": self.package_version,
            "configs": self.configs.to_dict(),
            "field_provenance": dict(self.field_provenance),
            "scaling": self.scaling.to_dict(),
            "geometry": {**geometry, "positions_bbox": list(self.geometry.positions_bbox)},
            "training": dict(self.training),
            "provenance": dict(self.provenance),
            "members": {
                name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
                for name, data in members.items()
            },
        }
        content["digest"] = config_params.digest(content)
        return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def decode(cls, content: Mapping[str, Any], where: str) -> Manifest:
        """Rebuild from checked JSON.

        Raises:
            BundleError: A part is missing, of the wrong type or contradicts another.
        """
        configs = _decode_configs(content["configs"], f"{where}: configs")
        manifest = cls(
            package_version=str(content["package_version"]),
            configs=configs,
            field_provenance=_mapping(content["field_provenance"], f"{where}: origins"),
            scaling=ScalingContract.from_dict(
                _mapping(content["scaling"], f"{where}: scaling"), where=f"{where}: scaling"
            ),
            geometry=_decode_geometry(content["geometry"], f"{where}: geometry"),
            training=_mapping(content["training"], f"{where}: training"),
            provenance=_mapping(content["provenance"], f"{where}: provenance"),
        )
        _check_agreement(manifest, where)
        return manifest


def parse(text: bytes, where: str) -> dict[str, Any]:
    """Read the JSON of a manifest and check its keys, schema and own digest.

    Raises:
        BundleError: Not JSON, other keys, another schema, or a wrong digest.
    """

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is not a number")

    try:
        content = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BundleError(where, expected="JSON", found=str(error)) from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise BundleError(where, expected=f"schema {SCHEMA}", found=f"schema {schema!r}")
    if set(content) != _KEYS:
        odd = ", ".join(sorted(set(content) ^ _KEYS))
        raise BundleError(where, expected="the keys of this schema", found=odd)
    rest = {key: value for key, value in content.items() if key != "digest"}
    if config_params.digest(rest) != content["digest"]:
        raise BundleError(
            f"{where}: digest",
            expected="the digest of its content",
            found=str(content["digest"])[:16],
            remedy="the file was changed; train again",
        )
    return content


def check_members(content: Mapping[str, Any], members: Mapping[str, bytes], where: str) -> None:
    """Compare size and digest of each member with what the manifest says.

    Raises:
        BundleError: One of them differs.
    """
    recorded = _mapping(content["members"], f"{where}: members")
    if set(recorded) != set(members):
        raise BundleError(
            where, expected=", ".join(sorted(members)), found=", ".join(sorted(recorded))
        )
    for name, data in members.items():
        actual = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        if recorded[name] != actual:
            raise BundleError(
                f"{where}: {name}",
                expected=f"{recorded[name]}",
                found=f"{actual}",
                remedy="the file was changed; train again",
            )


def _decode_configs(content: Any, where: str) -> Configs:
    sections = _mapping(content, where)
    if set(sections) != set(SECTIONS):
        raise BundleError(where, expected=", ".join(SECTIONS), found=", ".join(sections))
    stated = {
        name: {**_OF_OLDER_BUNDLES.get(name, {}), **_mapping(sections[name], where)}
        for name in SECTIONS
    }
    try:
        parts = {name: _section(name, stated[name]) for name in SECTIONS}
    except ConfigError as error:
        raise BundleError(where, expected=error.expected, found=error.found) from error
    for name, record in parts.items():
        fields = {field.name for field in dataclasses.fields(record)}
        if set(stated[name]) != fields:
            odd = ", ".join(sorted(fields - set(stated[name])))
            raise BundleError(f"{where}: {name}", expected="every field", found=f"no {odd}")
    return Configs(**parts)


def _decode_geometry(content: Any, where: str) -> Geometry:
    values = dict(_mapping(content, where))
    kinds: dict[str, Callable[[Any], bool]] = {
        **dict.fromkeys(("N", "gridsize", "C", "padded_size"), _is_int),
        "max_rel": _is_number,
        "pixel_size_m": lambda value: value is None or _is_number(value),
        "positions_bbox": _is_box,
    }
    if set(values) != set(kinds):
        odd = ", ".join(sorted(set(values) ^ set(kinds)))
        raise BundleError(where, expected=", ".join(kinds), found=odd)
    for name, fits in kinds.items():
        if not fits(values[name]):
            raise BundleError(f"{where}: {name}", expected="a number", found=repr(values[name]))
    box = tuple(float(value) for value in values.pop("positions_bbox"))
    return Geometry(**values, positions_bbox=(box[0], box[1], box[2], box[3]))


def _check_agreement(manifest: Manifest, where: str) -> None:
    """Refuse parts that contradict each other."""
    geometry, data = manifest.geometry, manifest.configs.data
    pairs = {
        "N": (data.N, geometry.N),
        "N of the scaling": (data.N, manifest.scaling.N),
        "gridsize": (data.gridsize, geometry.gridsize),
        "C": (data.C, geometry.C),
        "parity of padded_size": (0, (geometry.padded_size - geometry.N) % 2),
        "padded_size below N": (False, geometry.padded_size < geometry.N),
    }
    for name, (expected, actual) in pairs.items():
        if expected != actual:
            raise BundleError(f"{where}: {name}", expected=str(expected), found=str(actual))


def _section(name: str, values: Any) -> Any:
    return config_params.section_from_dict(name, values, where="bundle")


def _without_folders(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: Path(value).name if key in _PATHS and value is not None else value
        for key, value in values.items()
    }


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BundleError(where, expected="an object", found=type(value).__name__)
    return value


def _is_int(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len("xyxy") and all(map(_is_number, value))
