"""`python -m mathops` is the command line."""

from mathops.cli import main

if __name__ == "__main__":
    main()
