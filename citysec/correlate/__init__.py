"""Correlation: which indicators touch which registered assets, in both directions and at any time."""
