"""The conformance suite: what every loss must satisfy, built-in or from a plugin."""
