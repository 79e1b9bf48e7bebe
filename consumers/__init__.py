"""Clients, follow-up adapters and notifiers: one file each."""

from nuncius.consumers.subscriber import subscribe

__all__ = ["subscribe"]
