"""Review comments, reviews and threads of GitHub pull requests."""
