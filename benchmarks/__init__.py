"""Runnable measurements; each prints one JSON line."""
