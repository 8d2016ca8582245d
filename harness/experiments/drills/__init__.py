"""Drills: defects planted in scratch worktrees prove that the guards can turn red."""
