"""The log on Apache Kafka, over confluent-kafka."""
