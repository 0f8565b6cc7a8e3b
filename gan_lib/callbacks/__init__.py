"""What happens between training steps: sample pictures, scores, backups.

No maths of measures (see `metrics`) and no update of weights (see `training`). TensorBoard, CSV logs and the like
are Keras' own callbacks and work beside these.
"""

from gan_lib.callbacks.backup import TrainingBackup
from gan_lib.callbacks.samples import SampleGrid, ScoreEachEpoch, draw_pictures

__all__ = ["SampleGrid", "ScoreEachEpoch", "TrainingBackup", "draw_pictures"]
