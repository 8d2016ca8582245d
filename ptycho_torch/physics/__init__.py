"""Propagation from object patches to detector intensity, and its likelihoods."""
