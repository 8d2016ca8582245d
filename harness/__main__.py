"""The start of the program: ``harness``, and ``python -m harness``, which is the same."""

import sys


def main() -> int:
    """Import the program and run it; a Ctrl-C meanwhile is one word and an exit code, too."""
    try:
        from harness.cli import main as program  # noqa: PLC0415 - so that this is inside
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130  # exits.INTERRUPTED, whose module may not be there yet
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
