"""Which events belong together, how surprising that is, and which candidates an event has. Pure: no I/O, no clock.

`Associate` joins events with events and ranks candidate lists; `Match` finds the candidates of events and the events
of candidates. Both have ``step(...) -> Outcome(delta, effects)``, which changes nothing, and ``apply(delta)``, to be
called after the effects are committed; an aborted step is dropped. Rules come from `shipped_rules` or `load_rules`.
"""

from nuncius.broker.matching import statistics
from nuncius.broker.matching.associate import Associate, Outcome
from nuncius.broker.matching.candidates import Match, MatchOutcome
from nuncius.broker.matching.effects import Effect, PublishCoincidence, PublishList, TooLate
from nuncius.broker.matching.rules import CandidateRule, EventRule, MultiplicityRule, Rule, Selector
from nuncius.broker.matching.rules_toml import load_rules, shipped_rules, shipped_text

__all__ = [
    "Associate",
    "CandidateRule",
    "Effect",
    "EventRule",
    "Match",
    "MatchOutcome",
    "MultiplicityRule",
    "Outcome",
    "PublishCoincidence",
    "PublishList",
    "Rule",
    "Selector",
    "TooLate",
    "load_rules",
    "shipped_rules",
    "shipped_text",
    "statistics",
]
