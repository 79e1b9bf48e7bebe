"""Clients, follow-up adapters and notifiers: one file each."""
