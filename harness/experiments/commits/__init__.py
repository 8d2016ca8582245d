"""Other commits than the one checked out: what a suite depends on there, and its runs."""
