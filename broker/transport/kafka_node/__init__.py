"""A real single-node Apache Kafka on this machine, run by the machine's Java and ended with whoever started it."""
