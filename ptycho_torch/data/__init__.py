"""From a dataset file to batches: read, validate, split, scale, group, gather."""
