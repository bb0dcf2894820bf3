"""What a parsed pattern is made of: a program in postfix order.

`[a AND b] OR [c]` becomes `a b AND OBSERVATION c OBSERVATION OBSERVATION_OR`: each comparison puts an operand on a
stack, each join takes two off and puts one on. So a pattern of any depth is read, checked and evaluated by one loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique

import msgspec


class Version(StrEnum):
    """A version of the standard; they differ in `EXISTS` and in how times are written."""

    STIX20 = "2.0"
    STIX21 = "2.1"


@dataclass(frozen=True, slots=True)
class NoTime:
    """What is written as a time but stands in no calendar, such as the 30th of February."""

    text: str


Literal = str | int | float | bool | bytes | datetime | NoTime


@unique
class Op(StrEnum):
    """How a comparison compares."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "IN"
    LIKE = "LIKE"
    MATCHES = "MATCHES"
    ISSUBSET = "ISSUBSET"
    ISSUPERSET = "ISSUPERSET"
    EXISTS = "EXISTS"


class Comparison(msgspec.Struct, frozen=True, gc=False):
    """One test of one property: `path` as written but without blanks, `values` several only for `IN`."""

    path: str
    op: Op
    negated: bool
    values: tuple[Literal, ...]
    at: int


class Join(StrEnum):
    """Turns the last two operands into one."""

    AND = "and"
    OR = "or"
    OBSERVATION_AND = "observation-and"
    OBSERVATION_OR = "observation-or"
    FOLLOWED_BY = "followed-by"


class Mark(StrEnum):
    """Says something about the last operand."""

    OBSERVATION = "observation"


@dataclass(frozen=True, slots=True)
class Within:
    """The last operand holds within so many seconds."""

    seconds: float
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Repeats:
    """The last operand holds so many times."""

    times: int
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Between:
    """The last operand holds in `start` ≤ t < `stop`."""

    start: datetime | NoTime
    stop: datetime | NoTime
    at: int = field(default=0, compare=False)


Qualifier = Within | Repeats | Between
Instruction = Comparison | Join | Mark | Qualifier
