"""The servers that tests talk to: real ones, started when the first test asks and gone when the run is."""
