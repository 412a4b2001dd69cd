"""The registry: one hook through which built-in and third-party losses come."""
