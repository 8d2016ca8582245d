"""The command line of the harness."""
