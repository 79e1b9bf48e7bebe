"""Named streams: selections that the broker publishes to topics of their own."""
