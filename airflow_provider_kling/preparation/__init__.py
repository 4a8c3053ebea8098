"""Makes a checked request from a Dag author's fields, before a credit is spent."""
