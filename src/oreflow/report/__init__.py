"""Tables, figures and pages over the results of a comparison; nothing in here solves anything."""
