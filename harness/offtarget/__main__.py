"""`python -m offtarget`."""

from offtarget.cli import main

if __name__ == "__main__":
    main()
