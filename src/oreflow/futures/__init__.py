"""Uncertain numbers: distributions, keyed draws, ensembles, and proposals compared draw by draw."""
