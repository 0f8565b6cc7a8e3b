"""The base of every training scheme: named networks and named optimizers under one `fit()`.

What one scheme does in a step is not here: see `generation`.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from gan_lib.training.steps import Logs


class AdversarialModel(keras.Model):
    """Named networks and named optimizers under one `fit()`: the base of every scheme.

    A subclass passes its networks by name and writes `train_step`. For a network ``generator`` it finds
    ``self.generator`` and, after `compile`, ``self.generator_optimizer``.

    What it takes care of, each held by a test: no unused default optimizer; optimizers built when compiled, so
    that a checkpoint brings their moments back; the whole marked as built, so that Keras' callbacks accept it;
    every optimizer wrapped for float16; a step counter that is saved with the weights.

    Args:
        networks: name -> network with weights.
        seed: from which every random number of the training follows.
    """

    log_keys: Sequence[str] = ()

    def __init__(self, networks: dict[str, keras.Model], *, seed: int = 0, name: str | None = None):
        super().__init__(name=name)
        for key, network in networks.items():
            setattr(self, key, network)
        self.network_names = tuple(networks)
        self.seed = seed
        self.iteration = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            name="iteration",
            aggregation="only_first_replica",
        )
        self.trackers = {key: keras.metrics.Mean(name=key) for key in self.log_keys}
        self.built = True

    def compile(self, optimizers: dict[str, keras.optimizers.Optimizer], *, jit_compile="auto", **kwargs):
        """Takes one optimizer for each network, builds it, and wraps it where the network computes in float16.

        Args:
            optimizers: network name -> optimizer, one object each.
            jit_compile: as Keras has it: "auto" means XLA on a GPU and none on a CPU.
            **kwargs: ``run_eagerly``, ``steps_per_execution``.

        Raises:
            ValueError: if the names differ from the networks', or two networks share an optimizer.
        """
        if set(optimizers) != set(self.network_names):
            raise ValueError(
                f"Optimizers came for {sorted(optimizers)}, but the networks are {sorted(self.network_names)}. "
                "Give one optimizer for each network."
            )
        if len({id(optimizer) for optimizer in optimizers.values()}) < len(optimizers):
            raise ValueError(
                "Two networks got the same optimizer object. Make one for each: they keep their own moments."
            )
        super().compile(optimizer=None, jit_compile=jit_compile, **kwargs)
        for key, optimizer in optimizers.items():
            network = getattr(self, key)
            half = any(layer.compute_dtype == "float16" for layer in network._flatten_layers(include_self=False))
            if half and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            if not optimizer.built:
                optimizer.build(network.trainable_variables)
            setattr(self, f"{key}_optimizer", optimizer)

    def fit(self, x=None, y=None, **kwargs):
        """As Keras' own `fit`. A dataset is taken in its own order, without the warning that Keras 3.15 gives then."""
        kwargs.setdefault("shuffle", not isinstance(x, tf.data.Dataset))
        return super().fit(x, y, **kwargs)

    def log(self, values: Logs) -> Logs:
        """Adds one step's values to the epoch's averages and returns those, as Keras' own `train_step` does."""
        for key, value in values.items():
            self.trackers[key].update_state(value)
        return {key: self.trackers[key].result() for key in values}
