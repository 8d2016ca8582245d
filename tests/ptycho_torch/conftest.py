"""Shape checking for the package under test: every annotated axis is enforced."""

from jaxtyping import install_import_hook

install_import_hook("ptycho_torch", "beartype.beartype")
