"""What tests of other people's machines share: a sealed store, and a wish to stop."""

from __future__ import annotations

from tests.harness.conftest import pristine, stop, store

__all__ = ["pristine", "stop", "store"]
