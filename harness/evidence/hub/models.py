"""Which artifacts of a run are models: what people pass on, and ask the evidence of."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from harness.records import ArtifactRecord, HubRecord

_DIGEST = re.compile(r"[0-9a-f]{64}")  # pages are named by it: a forged one names no file
_WORDS = ("bundle", "model", "weights", "checkpoint")
# Forms in which trained models are passed on, as the common frameworks write them.
_SUFFIXES = (
    ".h5.zip",
    ".pt",
    ".pth",
    ".ckpt",
    ".safetensors",
    ".onnx",
    ".keras",
    ".h5",
    ".tflite",
)


def list_models(record: HubRecord) -> tuple[ArtifactRecord, ...]:
    """Return the models that a run left, each content once.

    An artifact is a model when its id says so by its last word (``bundle``, ``torch-bundle``,
    ``model``), or its file has the name of a form in which models are passed on.
    """
    models = {a.sha256: a for a in reversed(record.artifacts) if _is_model(a)}
    return tuple(reversed(models.values()))


def _is_model(artifact: ArtifactRecord) -> bool:
    if not _DIGEST.fullmatch(artifact.sha256):
        return False
    name = PurePosixPath(artifact.path).name.lower()
    return artifact.id.rpartition("-")[2].lower() in _WORDS or name.endswith(_SUFFIXES)
