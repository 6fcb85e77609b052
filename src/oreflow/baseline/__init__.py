"""A balanced base year from contradicting sources, and the calibration of costs, rents and residuals."""
