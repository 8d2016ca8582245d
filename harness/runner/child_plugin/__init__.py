"""The parts of the file that pytest's process is handed; they know nothing of the harness."""
