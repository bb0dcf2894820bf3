"""The service is killed, and what it told to wait, hang or repeat does so; the end is the same."""
