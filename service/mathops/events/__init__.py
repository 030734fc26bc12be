"""Publishing the journal's rows to Kafka."""
