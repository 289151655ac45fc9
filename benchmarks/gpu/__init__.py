"""Emitted modules beside torchvision's on a GPU; needs torch alone to run."""
