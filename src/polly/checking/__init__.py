"""What documents claim about a repository and themselves, held against git and their own words."""
