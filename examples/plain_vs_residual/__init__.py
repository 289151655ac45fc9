"""The papers' claim about plain and residual networks, tried on small digits."""
