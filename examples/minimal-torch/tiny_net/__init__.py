"""A two-layer network that learns a sine."""
