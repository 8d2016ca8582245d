"""Units of work and the executors that carry them out: here, in processes, on a cluster."""
