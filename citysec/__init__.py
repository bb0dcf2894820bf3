"""A city's cyber-threat coordination service; `pipeline.py` is the page to read first."""
