"""The library of the course: generative adversarial networks for restoring pictures.

Each module says in the first sentence of its docstring what belongs in it. Importing `gan_lib` alone loads nothing
heavy: TensorFlow comes in with the module that needs it, for example `from gan_lib import losses`.
"""

__version__ = "0.1.0"
