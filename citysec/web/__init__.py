"""What people and machines see: pages, the API, TAXII.

Handlers read rows and build the values of `views`; `render` turns those into pages through `templates/`. A template
therefore never touches the database, and a page can be looked at with made-up values (`tests/web/samples.py`).
"""
