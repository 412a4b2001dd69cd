"""CPU kernel templates: ordinary functions with open names, given a meaning by `numbaloss.compile.bind`."""
