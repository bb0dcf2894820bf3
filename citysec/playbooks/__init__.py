"""CACAO 2.0 playbooks: loaded, checked, run for an incident, rehearsed without effect."""
