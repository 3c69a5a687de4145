"""Private checkouts for agents and gates, and what is read back from them."""
