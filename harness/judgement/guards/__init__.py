"""Rules that judge a run from its files alone; a guard never runs anything."""
