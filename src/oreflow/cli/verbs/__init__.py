"""One module a verb; each has a typed function `command` and is imported only when its verb runs."""
