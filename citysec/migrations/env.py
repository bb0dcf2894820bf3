"""What Alembic runs: always on a connection that citysec hands in."""

from alembic import context
from sqlmodel import SQLModel

import citysec.tables  # noqa: F401  # registers every table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
