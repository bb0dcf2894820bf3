"""Explanations and look-ups."""
