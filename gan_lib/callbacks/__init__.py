"""What happens between training steps: sample pictures, scores, backups, warnings.

No maths of measures (see `metrics`) and no update of weights (see `training`). TensorBoard, CSV logs and the like
are Keras' own callbacks and work beside these.
"""

from gan_lib.callbacks.backup import TrainingBackup
from gan_lib.callbacks.monitor import TrainingMonitor
from gan_lib.callbacks.samples import SampleGrid, ScoreEachEpoch, draw_pictures
from gan_lib.callbacks.verdicts import Finding, Limits

__all__ = ["Finding", "Limits", "SampleGrid", "ScoreEachEpoch", "TrainingBackup", "TrainingMonitor", "draw_pictures"]
