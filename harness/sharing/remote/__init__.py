"""Hubs kept elsewhere: in a bucket, on a server, on another disk; reached through fsspec."""
