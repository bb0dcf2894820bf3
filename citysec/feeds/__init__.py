"""Feeds: which there are, when they are polled, how they are fetched, read, stored and trusted."""
