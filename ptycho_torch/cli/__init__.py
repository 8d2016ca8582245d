"""Command lines of the model package."""
