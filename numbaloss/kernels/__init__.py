"""The loops, one file per computational structure and the same names for each device."""
