"""asv benchmarks of numbaloss."""
