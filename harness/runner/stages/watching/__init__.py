"""A folder that is put on the path of stages, for what Python loads at its start."""
