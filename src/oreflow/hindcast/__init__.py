"""Hindcasts: past episodes run through the market engine and scored against what was observed (DESIGN section 14)."""
