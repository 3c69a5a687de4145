"""What coding agents did: recorded, stored, read back."""
