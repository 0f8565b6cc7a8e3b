"""Names, paths and arrays -> arrays of pictures and ``tf.data.Dataset`` of them: the data ladder of this course.

Never in here: networks, and degradations as such (``gan_lib.degradations``).
"""

from gan_lib.datasets.batching import batches, check_labels, epoch_order
from gan_lib.datasets.digits import Digits, load_digits
from gan_lib.datasets.places import DataError, data_folder, keras_cache

__all__ = [
    "DataError",
    "Digits",
    "batches",
    "check_labels",
    "data_folder",
    "epoch_order",
    "keras_cache",
    "load_digits",
]
