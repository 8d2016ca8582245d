"""What computes a run: PyTorch by default, TensorFlow where the extra is installed.

Nothing is imported here; asking for a backend says whether it can be had.
"""

from __future__ import annotations

import importlib.util
import os

from ptycho_torch.errors import InputError

TORCH = "torch"
TENSORFLOW = "tensorflow"
INSTALL = "pip install 'ptycho-harness[tf]'"


def require(backend: str) -> None:
    """Make sure that a backend can be imported, and keep TensorFlow's notes off stderr.

    Args:
        backend: ``torch`` or ``tensorflow``.

    Raises:
        InputError: TensorFlow is not installed.
    """
    if backend != TENSORFLOW:
        return
    if importlib.util.find_spec(TENSORFLOW) is None:
        raise InputError(
            f"--backend {backend}",
            expected="the package tensorflow",
            found="none",
            remedy=INSTALL,
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
