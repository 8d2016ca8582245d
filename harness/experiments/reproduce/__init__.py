"""Another run of a hub's commit, and how its answer stands to the one that was sealed."""
