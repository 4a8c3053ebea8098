"""Kling's wire format, pure: build a request, sign it, read the answer. No I/O, no clock."""
