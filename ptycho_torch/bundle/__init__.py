"""The trained model on disk: plain members, digests, no pickle."""
