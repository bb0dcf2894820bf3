"""What each page is given to show: the contract between the handlers that read rows and the templates.

A handler builds the page's frame (`Page`) and one view, and calls `render.page(frame, view)`; the view's class names
its template. Views hold only what this reader may see: templates hide nothing. All times are aware UTC.

Words of closed sets are carried as the rows hold them (severity, states, answers, verdicts, relations, asset kinds,
channels, roles); `citysec.web.words` lists them all and says them to people.
"""

from __future__ import annotations

from citysec.web.views.advisory import (
    AdvisoryBody,
    AdvisoryRow,
    AdvisoryView,
    AnswerView,
    DeliveryView,
    PublicAdvisoriesView,
    PublicAdvisoryRow,
    PublicAdvisoryView,
    ThanksView,
)
from citysec.web.views.announce import AnnounceCheckView, AnnounceView, Wording
from citysec.web.views.board import BoardFilter, BoardView, Body, FeedHealth, Sector, Tile
from citysec.web.views.constituent import AssetRow, ConstituentView, ContactRow, SightingRow
from citysec.web.views.feed import FeedCounts, FeedFacts, FeedHealthView, FeedView, PollRow, RejectRow
from citysec.web.views.frame import (
    Answers,
    CappedRow,
    ErrorView,
    IncidentRow,
    Named,
    Page,
    QuestionRow,
    Reader,
    SignInView,
)
from citysec.web.views.incident import (
    IncidentView,
    MatchView,
    QuestionAnswer,
    QuestionView,
    RunView,
    StepView,
    TimelineEntry,
)
from citysec.web.views.lookalikes import AllowedRow, LookalikeRow, LookalikesView
from citysec.web.views.lookup import (
    ChainStep,
    ChainView,
    ExplainView,
    LinkView,
    LookupRow,
    LookupView,
    ObservedRow,
    SeenRow,
)
from citysec.web.views.operate import AuditRow, AuditView, FeedRow, FeedsView
from citysec.web.views.possible import PossibleView
from citysec.web.views.submit import CandidateRow, Judged, SubmitCheckView, SubmitView, TouchedRow

View = (
    SignInView
    | BoardView
    | IncidentView
    | AnnounceView
    | AnnounceCheckView
    | QuestionView
    | ConstituentView
    | AdvisoryView
    | ThanksView
    | PublicAdvisoriesView
    | PublicAdvisoryView
    | FeedsView
    | FeedView
    | SubmitView
    | SubmitCheckView
    | LookalikesView
    | PossibleView
    | LookupView
    | ExplainView
    | AuditView
    | ErrorView
)
"""Any page."""

__all__ = [
    "AdvisoryBody",
    "AdvisoryRow",
    "AdvisoryView",
    "AllowedRow",
    "AnnounceCheckView",
    "AnnounceView",
    "AnswerView",
    "Answers",
    "AssetRow",
    "AuditRow",
    "AuditView",
    "BoardFilter",
    "BoardView",
    "Body",
    "CandidateRow",
    "CappedRow",
    "ChainStep",
    "ChainView",
    "ConstituentView",
    "ContactRow",
    "DeliveryView",
    "ErrorView",
    "ExplainView",
    "FeedCounts",
    "FeedFacts",
    "FeedHealth",
    "FeedHealthView",
    "FeedRow",
    "FeedView",
    "FeedsView",
    "IncidentRow",
    "IncidentView",
    "Judged",
    "LinkView",
    "LookalikeRow",
    "LookalikesView",
    "LookupRow",
    "LookupView",
    "MatchView",
    "Named",
    "ObservedRow",
    "Page",
    "PollRow",
    "PossibleView",
    "PublicAdvisoriesView",
    "PublicAdvisoryRow",
    "PublicAdvisoryView",
    "QuestionAnswer",
    "QuestionRow",
    "QuestionView",
    "Reader",
    "RejectRow",
    "RunView",
    "Sector",
    "SeenRow",
    "SightingRow",
    "SignInView",
    "StepView",
    "SubmitCheckView",
    "SubmitView",
    "ThanksView",
    "Tile",
    "TimelineEntry",
    "TouchedRow",
    "View",
    "Wording",
]
