"""The data model: one module per subject; importing this package registers every table."""

from citysec.tables.access import Account, Answer, AuditEntry, Session, Token
from citysec.tables.advisories import Acknowledgement, Advisory, Decision, Delivery
from citysec.tables.announced import AnnouncedPrefix
from citysec.tables.feeds import Assertion, Feed, IndicatorKey, PollRun, Reject, StixObject
from citysec.tables.incidents import Incident, IncidentMatch, TimelineEntry
from citysec.tables.lookalikes import AllowedName, Lookalike, NameForm
from citysec.tables.matches import Capped, Match, Unmatchable
from citysec.tables.playbooks import Playbook, Question, Run, RunStep
from citysec.tables.register import Accountable, Asset, AssetOwner, Constituent, Contact, Service
from citysec.tables.share import Collection, Grant, Member, Receipt
from citysec.tables.sightings import Observed, Report, Sighting
from citysec.tables.warnings import WarningEntry, WarningList
from citysec.tables.work import Change, Meta, Outbox

__all__ = [
    "Account",
    "Accountable",
    "Acknowledgement",
    "Advisory",
    "AllowedName",
    "AnnouncedPrefix",
    "Answer",
    "Assertion",
    "Asset",
    "AssetOwner",
    "AuditEntry",
    "Capped",
    "Change",
    "Collection",
    "Constituent",
    "Contact",
    "Decision",
    "Delivery",
    "Feed",
    "Grant",
    "Incident",
    "IncidentMatch",
    "IndicatorKey",
    "Lookalike",
    "Match",
    "Member",
    "Meta",
    "NameForm",
    "Observed",
    "Outbox",
    "Playbook",
    "PollRun",
    "Question",
    "Receipt",
    "Reject",
    "Report",
    "Run",
    "RunStep",
    "Service",
    "Session",
    "Sighting",
    "StixObject",
    "TimelineEntry",
    "Token",
    "Unmatchable",
    "WarningEntry",
    "WarningList",
]
