"""Network to a row of volumes, as papers and slides draw it: SVG or TikZ."""

from archdsl.backends.volumes.scene import Scene
from archdsl.backends.volumes.view import scene, tikz, volumes

__all__ = ["Scene", "scene", "tikz", "volumes"]
