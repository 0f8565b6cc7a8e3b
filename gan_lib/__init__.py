"""The library of the course: generative adversarial networks for restoring pictures.

Each module says in the first sentence of its docstring what belongs in it. Importing `gan_lib` alone loads nothing
heavy: TensorFlow comes in with the module that needs it, for example `from gan_lib import losses`, or with the one
function that is offered here as well: `gan_lib.restore`, from `gan_lib.restoring`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_lib.restoring import restore as restore

__version__ = "0.1.0"


def __getattr__(name: str):
    if name == "restore":
        from gan_lib.restoring import restore

        return restore
    raise AttributeError(f"module 'gan_lib' has no attribute {name!r}")
