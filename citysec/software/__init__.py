"""Software by name and version: CPE, package URLs, orders of versions, and what publishers say is vulnerable. Pure."""
