"""Units, ids, index letters, seeds, files and errors; imports nothing of oreflow."""
