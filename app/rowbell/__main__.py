"""`python -m rowbell` is the command `rowbell`."""

from rowbell.cli import main

if __name__ == "__main__":  # processes that are spawned import this module again
    main()
