"""Claims with their sources: the ledger, conflicts, the check of texts, and readers of statistics."""
