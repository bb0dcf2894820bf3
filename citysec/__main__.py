"""Lets `python -m citysec` do what the command `citysec` does."""

from citysec.cli import main

main()
