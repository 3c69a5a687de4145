"""The frozen nouns that every stage passes on: issues, plans, runs."""
