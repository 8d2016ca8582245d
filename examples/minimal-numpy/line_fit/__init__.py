"""A straight line through noisy points, by least squares."""
