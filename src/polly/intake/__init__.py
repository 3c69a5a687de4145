"""Untrusted text becomes issues here: sources are read, checked, merged and selected."""
