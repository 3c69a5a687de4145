"""What kept tools measure of a source, and the score that it makes."""
