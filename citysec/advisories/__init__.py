"""Advisories: telling exactly those concerned, at most what they may know, and following up until they answer."""
