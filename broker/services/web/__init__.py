"""The HTTP service: alerts in, health, coincidences out as server-sent events."""
