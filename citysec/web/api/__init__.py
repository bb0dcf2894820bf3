"""The API, `/api/v1`: what the console and playbooks do, for machines.

One declaration per operation (`table.OPERATIONS`) holds its path, who may, what goes in and out, and the function that
does it. The routes (`serve`) and the OpenAPI document (`openapi`) are both made from it.
"""

from citysec.web.api.serve import routes

__all__ = ["routes"]
