"""What a run did, for a person and for programs: pure, and nothing that a record does not prove."""
