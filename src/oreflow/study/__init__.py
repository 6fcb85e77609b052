"""One case, one proposal, one future: the function that runs, and what it returns."""
