"""Shape checking for the whole run: only what is first imported under the hook is checked."""

from __future__ import annotations

import importlib.util

# The harness is tested alike where the model's packages are not installed.
if importlib.util.find_spec("jaxtyping") and importlib.util.find_spec("beartype"):
    from jaxtyping import install_import_hook

    from tests.laws import shapes

    install_import_hook("ptycho_torch", f"{shapes.__name__}.checked")
