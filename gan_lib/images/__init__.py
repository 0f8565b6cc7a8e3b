"""A picture file or array -> an array: loading, saving, range and layout.

Never in here: randomness, ``tf.data``, plots.

A picture is an array of shape (height, width, channels): uint8 in [0, 255], or float32 in [0, 1] where 8 bit are too
few. Networks see float32 in [-1, 1]; ``to_network`` and ``from_network`` are the only two ways there and back.
"""

from gan_lib.images.colour import ColourProfile, ProfileError, is_grey, profile_fits
from gan_lib.images.layout import centre, paste_centre, tile
from gan_lib.images.metadata import Metadata, read_metadata
from gan_lib.images.ranges import check_picture, from_network, to_network, to_uint8
from gan_lib.images.reading import FROM_CMYK, Header, PictureError, check_megapixels, load_image, read_header
from gan_lib.images.writing import check_alpha, check_name, encode_image, save_image

__all__ = [
    "FROM_CMYK",
    "ColourProfile",
    "Header",
    "Metadata",
    "PictureError",
    "ProfileError",
    "centre",
    "check_alpha",
    "check_megapixels",
    "check_name",
    "check_picture",
    "encode_image",
    "from_network",
    "is_grey",
    "load_image",
    "paste_centre",
    "profile_fits",
    "read_header",
    "read_metadata",
    "save_image",
    "tile",
    "to_network",
    "to_uint8",
]
