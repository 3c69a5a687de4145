"""What `polly observe` asks the tables, the same of both databases: a question takes a connection."""
