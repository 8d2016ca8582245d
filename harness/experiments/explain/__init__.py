"""Why a run is red: what changed since the last green one, and what it looks like."""
