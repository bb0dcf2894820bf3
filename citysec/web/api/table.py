"""Every operation of the API, on one page."""

from __future__ import annotations

from typing import Any, Final

from citysec.access.policy import Action
from citysec.web.api import (
    advisories,
    explain,
    feeds,
    imports,
    incidents,
    lookalikes,
    matches,
    operate,
    register,
    runs,
    sightings,
    submissions,
)
from citysec.web.api.advisories import AdvisoryOut, AdvisoryQuery, ReplyBody
from citysec.web.api.explain import ExplainedOut, ExplainQuery, LookupBody, LookupOut
from citysec.web.api.feeds import FeedOut, PollOut, RejectOut, ReplayOut, WorkOut
from citysec.web.api.imports import ImportQuery, PlanOut
from citysec.web.api.incidents import (
    IncidentOut,
    IncidentQuery,
    MoveBody,
    NoteBody,
    PublishedOut,
    ReasonBody,
    RetractionBody,
    StatementBody,
    TimelineOut,
)
from citysec.web.api.lookalikes import AllowBody, AllowedOut
from citysec.web.api.matches import CappedOut, CappedQuery, MatchOut, MatchQuery, UnmatchableOut
from citysec.web.api.operate import AuditOut, MeOut, WarningListOut
from citysec.web.api.operation import Csv, Method, Nothing, Operation
from citysec.web.api.register import AssetOut, AssetQuery, ConstituentOut, ServiceOut
from citysec.web.api.runs import QuestionOut, QuestionQuery, RunOut, RunQuery, StepOut, VerdictBody
from citysec.web.api.sightings import (
    Observations,
    ReportOut,
    ReportQuery,
    SightedBody,
    SightingOut,
    SightingQuery,
)
from citysec.web.api.submissions import SubmissionBody, SubmissionOut
from citysec.web.api.values import Page, Paging

_GET, _POST = Method.GET, Method.POST
_READ, _CITY = Action.READ, Action.READ_CITY

OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (
    Operation(_GET, "/me", _READ, operate.me, Nothing, Nothing, MeOut),
    Operation(_GET, "/incidents", _READ, incidents.list_incidents, IncidentQuery, Nothing, Page[IncidentOut]),
    Operation(_GET, "/incidents/{id}", _READ, incidents.get_incident, Nothing, Nothing, IncidentOut),
    Operation(_GET, "/incidents/{id}/timeline", _READ, incidents.timeline, Paging, Nothing, Page[TimelineOut]),
    Operation(_GET, "/incidents/{id}/matches", _READ, incidents.incident_matches, Paging, Nothing, Page[MatchOut]),
    Operation(_POST, "/incidents/{id}/notes", Action.NOTE, incidents.add_note, Nothing, NoteBody, IncidentOut),
    Operation(_POST, "/incidents/{id}/contain", Action.MOVE, incidents.contain, Nothing, MoveBody, IncidentOut),
    Operation(_POST, "/incidents/{id}/close", Action.MOVE, incidents.close, Nothing, MoveBody, IncidentOut),
    Operation(_POST, "/incidents/{id}/reopen", Action.MOVE, incidents.reopen, Nothing, MoveBody, IncidentOut),
    Operation(_POST, "/incidents/{id}/escalate", Action.ESCALATE, incidents.escalate, Nothing, ReasonBody, IncidentOut),
    Operation(_POST, "/incidents/{id}/advisories", Action.ADVISE, incidents.advise, Nothing, Nothing, PublishedOut),
    Operation(_POST, "/incidents/{id}/public", Action.ANNOUNCE, incidents.tell, Nothing, StatementBody, PublishedOut),
    Operation(
        _POST,
        "/incidents/{id}/public/withdraw",
        Action.ANNOUNCE,
        incidents.take_back,
        Nothing,
        RetractionBody,
        PublishedOut,
    ),
    Operation(_GET, "/questions", _READ, runs.list_questions, QuestionQuery, Nothing, Page[QuestionOut]),
    Operation(_GET, "/questions/{id}", _READ, runs.get_question, Nothing, Nothing, QuestionOut),
    Operation(_POST, "/questions/{id}/answer", Action.ANSWER, runs.answer_question, Nothing, VerdictBody, QuestionOut),
    Operation(_GET, "/runs", _CITY, runs.list_runs, RunQuery, Nothing, Page[RunOut]),
    Operation(_GET, "/runs/{id}", _CITY, runs.get_run, Nothing, Nothing, RunOut),
    Operation(_GET, "/runs/{id}/steps", _CITY, runs.list_steps, Paging, Nothing, Page[StepOut]),
    Operation(_GET, "/advisories", _READ, advisories.list_advisories, AdvisoryQuery, Nothing, Page[AdvisoryOut]),
    Operation(_GET, "/advisories/{id}", _READ, advisories.get_advisory, Nothing, Nothing, AdvisoryOut),
    Operation(
        _POST,
        "/advisories/{id}/acknowledgements",
        Action.ACKNOWLEDGE,
        advisories.acknowledge,
        Nothing,
        ReplyBody,
        AdvisoryOut,
    ),
    Operation(_GET, "/constituents", _READ, register.list_constituents, Paging, Nothing, Page[ConstituentOut]),
    Operation(_GET, "/constituents/{slug}", _READ, register.get_constituent, Nothing, Nothing, ConstituentOut),
    Operation(_GET, "/services", _READ, register.list_services, Paging, Nothing, Page[ServiceOut]),
    Operation(_GET, "/assets", _READ, register.list_assets, AssetQuery, Nothing, Page[AssetOut]),
    Operation(_POST, "/assets/import", Action.IMPORT, imports.import_assets, ImportQuery, Csv, PlanOut),
    Operation(_GET, "/assets/{asset}", _READ, register.get_asset, Nothing, Nothing, AssetOut),
    Operation(_GET, "/matches", _READ, matches.list_matches, MatchQuery, Nothing, Page[MatchOut]),
    Operation(_GET, "/matches/capped", _READ, matches.list_capped, CappedQuery, Nothing, Page[CappedOut]),
    Operation(_GET, "/explain", _READ, explain.explain_indicator, ExplainQuery, Nothing, ExplainedOut),
    Operation(_POST, "/lookup", _READ, explain.look_up, Nothing, LookupBody, LookupOut, only_reads=True),
    Operation(_GET, "/feeds", _CITY, feeds.list_feeds, Paging, Nothing, Page[FeedOut]),
    Operation(_GET, "/feeds/{feed}", _CITY, feeds.get_feed, Nothing, Nothing, FeedOut),
    Operation(_GET, "/feeds/{feed}/polls", _CITY, feeds.list_polls, Paging, Nothing, Page[PollOut]),
    Operation(_GET, "/feeds/{feed}/rejects", _CITY, feeds.list_rejects, Paging, Nothing, Page[RejectOut]),
    Operation(_POST, "/feeds/{feed}/poll", Action.POLL, feeds.poll_feed, Nothing, Nothing, WorkOut, status=202),
    Operation(_POST, "/feeds/{feed}/accept", Action.POLL, feeds.accept_list, Nothing, Nothing, FeedOut),
    Operation(_POST, "/feeds/{feed}/replay", Action.POLL, feeds.replay_feed, Nothing, Nothing, ReplayOut),
    Operation(_POST, "/feeds/{feed}/enable", Action.SWITCH, feeds.enable_feed, Nothing, Nothing, FeedOut),
    Operation(_POST, "/feeds/{feed}/disable", Action.SWITCH, feeds.disable_feed, Nothing, Nothing, FeedOut),
    Operation(
        _GET,
        "/vulnerabilities/unmatchable",
        _CITY,
        matches.list_unmatchable,
        Paging,
        Nothing,
        Page[UnmatchableOut],
    ),
    Operation(_GET, "/warning-lists", _CITY, operate.list_warning_lists, Paging, Nothing, Page[WarningListOut]),
    Operation(_GET, "/lookalikes/allowed", _CITY, lookalikes.list_allowed, Paging, Nothing, Page[AllowedOut]),
    Operation(_POST, "/lookalikes/allowed", Action.ALLOW, lookalikes.allow_name, Nothing, AllowBody, AllowedOut),
    Operation(
        _POST,
        "/lookalikes/allowed/{name}/withdraw",
        Action.ALLOW,
        lookalikes.withdraw_name,
        Nothing,
        Nothing,
        AllowedOut,
    ),
    Operation(_POST, "/submissions", Action.SUBMIT, submissions.submit_text, Nothing, SubmissionBody, SubmissionOut),
    Operation(_GET, "/sightings", _READ, sightings.list_sightings, SightingQuery, Nothing, Page[SightingOut]),
    Operation(_POST, "/sightings", Action.REPORT, sightings.report_sighting, Nothing, SightedBody, ReportOut),
    Operation(
        _POST,
        "/observations",
        Action.REPORT,
        sightings.report_observations,
        ReportQuery,
        Observations,
        ReportOut,
        before=sightings.sorted_out,
    ),
    Operation(_GET, "/audit", Action.READ_AUDIT, operate.list_audit, Paging, Nothing, Page[AuditOut]),
)
