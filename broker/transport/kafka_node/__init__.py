"""A real single-node Apache Kafka on this machine: its jars, its settings, its start and its end."""
