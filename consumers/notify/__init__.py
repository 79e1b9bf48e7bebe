"""Telling people: mail, chat, push and text messages through apprise, windows as iCalendar. Needs the extra ``too``."""
