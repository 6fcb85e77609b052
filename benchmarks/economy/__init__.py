"""Benchmarks of the equilibrium engine on the world economy of DESIGN section 11."""
