"""Many seeds of a suite to the goldens that judge it: what ``harness golden`` does."""
