"""Incidents: what needs a response, how severe it is, and the states it goes through."""
