"""Statistics of predicted patches: what the network made, batch by batch."""
