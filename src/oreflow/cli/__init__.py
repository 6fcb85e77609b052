"""The command line: one module a verb over the public functions of oreflow."""
