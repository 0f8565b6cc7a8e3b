"""Names, paths and arrays -> arrays of pictures and ``tf.data.Dataset`` of them: the data ladder of this course.

Never in here: networks, and degradations as such (``gan_lib.degradations``).
"""

from gan_lib.datasets.batching import batches, check_labels
from gan_lib.datasets.bundled_photographs import bundled_paths, bundled_photographs, held_out_names, held_out_twin
from gan_lib.datasets.digits import Digits, load_digits
from gan_lib.datasets.fashion import FASHION_CLASSES, load_fashion
from gan_lib.datasets.folders import CocoFolder, CocoPicture, find_photographs, read_coco
from gan_lib.datasets.pairs import denoising_pairs, inpainting_pairs, restoration_pairs, super_resolution_pairs
from gan_lib.datasets.patches import patches
from gan_lib.datasets.photographs import Photographs, download_flowers, load_photographs
from gan_lib.datasets.places import DataError, data_folder, keras_cache

__all__ = [
    "CocoFolder",
    "CocoPicture",
    "DataError",
    "Digits",
    "FASHION_CLASSES",
    "Photographs",
    "batches",
    "bundled_paths",
    "bundled_photographs",
    "check_labels",
    "data_folder",
    "denoising_pairs",
    "download_flowers",
    "find_photographs",
    "held_out_names",
    "held_out_twin",
    "inpainting_pairs",
    "keras_cache",
    "load_digits",
    "load_fashion",
    "load_photographs",
    "patches",
    "read_coco",
    "restoration_pairs",
    "super_resolution_pairs",
]
