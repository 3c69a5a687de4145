"""Tells others how the sink is, from its snapshot alone: no probe waits for Kafka or a database."""
