"""Tree to network: names, arguments, conditions, shapes and costs."""
