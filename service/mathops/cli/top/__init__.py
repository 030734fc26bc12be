"""`mathops top`: a live view of the metrics of a service."""
