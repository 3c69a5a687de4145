"""Kafka to the store: `owner.py` is the loop, `ledger.py` says what may be committed.

Health and metrics read `snapshot.py` only.
"""
