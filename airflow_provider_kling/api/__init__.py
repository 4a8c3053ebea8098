"""The wire: a request is built, signed, sent, and its response read. What builds and reads is pure."""
