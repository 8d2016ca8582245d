"""What ``harness.toml`` may say: its records, their strict reading, the rules between them."""
