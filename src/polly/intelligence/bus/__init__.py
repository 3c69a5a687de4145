"""Questions about code and their answers over Kafka: the client that asks, the server that answers."""
