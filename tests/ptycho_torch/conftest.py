"""Shape checking for the package under test: every annotated axis is enforced."""

from jaxtyping import install_import_hook

from tests.laws import shapes

install_import_hook("ptycho_torch", f"{shapes.__name__}.checked")
