"""The wire: a request is built, signed, sent, and its answer read. What builds and reads is pure."""
