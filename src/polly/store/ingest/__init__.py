"""Bytes in, rows out: judges each record, writes what is good, keeps what is not as a dead letter."""
