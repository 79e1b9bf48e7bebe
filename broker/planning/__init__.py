"""Targets of opportunity, pure: policies as data, visibility, and the life of a request as a state machine."""
