"""From a Dag author's words to a checked request, before a credit is spent."""
