"""What a service has come to, told without ids and times, so that two services can be compared."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from sqlalchemy import text

from citysec.db import Database

Outcome: TypeAlias = dict[str, list[tuple[Any, ...]]]
"""Rows of each fact, sorted; not a set, so that what happened twice shows."""

_WHOSE: Final = """
    WITH whose AS (
        SELECT incident.id AS id, coalesce(constituent.name, 'the city') AS who
        FROM incident LEFT JOIN constituent ON constituent.id = incident.constituent_id
    )
"""
_FACTS: Final = {
    "objects": "SELECT stix_id, latest FROM stix_object",
    "feeds": "SELECT name, objects, rejects, failures, attempted_at IS NULL FROM feed",
    "matches": """
        SELECT indicator_id, value, relation, closed_at IS NULL FROM "match" JOIN asset ON asset.id = asset_id
    """,
    "incidents": "SELECT who, threat, kind, severity, state, parent_id IS NULL FROM incident JOIN whose USING (id)",
    "runs": "SELECT who, playbook_id, state, error FROM run JOIN whose ON whose.id = incident_id",
    "steps": """
        SELECT who, name, occurrence, position, run_step.state, detail
        FROM run_step JOIN run ON run.id = run_id JOIN whose ON whose.id = incident_id
    """,
    "questions": "SELECT who, title, owner, answer FROM question JOIN whose ON whose.id = incident_id",
    "advisories": """
        SELECT who, revision, subject, severity, tlp, reminders FROM advisory JOIN whose ON whose.id = incident_id
    """,
    "decisions": "SELECT who, verdict, reason FROM decision JOIN whose ON whose.id = incident_id",
    "deliveries": """
        SELECT address, revision, reminder, delivery.state, error
        FROM delivery JOIN contact ON contact.id = contact_id JOIN advisory ON advisory.id = advisory_id
    """,
    "timeline": "SELECT who, kind, actor LIKE 'playbook:%' FROM timeline_entry JOIN whose ON whose.id = incident_id",
    "audit": "SELECT action FROM audit_entry",
    "waiting": "SELECT kind FROM outbox WHERE done_at IS NULL",
}


async def outcome(database: Database) -> Outcome:
    """Return what the service on `database` has come to."""
    async with database.reading() as db:
        connection = await db.connection()
        return {
            fact: sorted((tuple(row) for row in await connection.execute(text(_WHOSE + query))), key=repr)
            for fact, query in _FACTS.items()
        }
