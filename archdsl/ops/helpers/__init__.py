"""PyTorch classes that the emitted source carries along.

Each file holds one class and imports torch alone. The emitter takes the text of the
class; nothing here is imported when a spec is checked.
"""
