"""Full patterns on observed-data: `matcher(pattern).match(observations(data))`.

A pattern becomes a plan of what it needs (`plan`, `leaves`, `comparing`, `paths`); each expression in it finds the
observations that satisfy it (`supply`); and `binding` finds which of them fulfil the plan together.
"""

from citysec.patterning.evaluation.budget import Budget
from citysec.patterning.evaluation.matching import Matcher, matcher
from citysec.patterning.evaluation.observed import Observation, observations

__all__ = ["Budget", "Matcher", "Observation", "matcher", "observations"]
