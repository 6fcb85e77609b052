"""Other readings of the hindcasts, run by hand."""
