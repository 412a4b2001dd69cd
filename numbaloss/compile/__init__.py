"""Binding of plain mathematics into kernel templates, and all that surrounds a compiled kernel."""
