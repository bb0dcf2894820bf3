"""Whom we serve, what they own, and who shares what with whom."""
