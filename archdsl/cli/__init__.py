"""The command line: the only place that prints, reads files or exits."""
