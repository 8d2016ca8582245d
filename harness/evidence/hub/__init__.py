"""The folder of one run: layout, digests, inventory, seal, blockers."""
