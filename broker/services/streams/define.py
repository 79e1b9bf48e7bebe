"""Definitions of named streams are checked and written in `nuncius.consumers.defining`, where clients reach it, too."""

from nuncius.consumers.defining import LEAST_PER_S, MOST_PER_S, check, define, last_definition

__all__ = ["LEAST_PER_S", "MOST_PER_S", "check", "define", "last_definition"]
