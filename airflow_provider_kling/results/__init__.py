"""What becomes of a result: fetched, checked, and stored in a team's storage."""
