"""The JSON of linters: one reader, and for each tool a few lines of TOML that say where things stand."""
