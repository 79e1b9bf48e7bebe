"""A telescope's own desk: what it is asked to do comes to it over the log, and what it answers goes there."""
