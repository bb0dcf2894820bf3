"""The whole command line, for tests that call it in their own process."""

from citysec.cli import command_line

app = command_line()
