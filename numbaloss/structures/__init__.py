"""The computational structures: what each decorator makes of a function, and how its arguments reach a kernel."""
