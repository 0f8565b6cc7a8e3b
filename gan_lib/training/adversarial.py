"""The base of every training scheme: named networks and named optimizers under one `fit()`.

What one scheme does in a step is not here: see `generation`.
"""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from gan_lib.training.steps import Logs, stream_seed


class AdversarialModel(keras.Model):
    """Named networks and named optimizers under one `fit()`: the base of every scheme.

    A subclass passes its networks by name and writes `train_step`. For a network ``generator`` it finds
    ``self.generator`` and, after `compile`, ``self.generator_optimizer``.

    What it takes care of, each held by a test: no unused default optimizer; optimizers built when compiled, so
    that a checkpoint brings their moments back; the whole marked as built, so that Keras' callbacks accept it;
    every optimizer wrapped for float16; a step counter and an average of the generator's weights that are saved with
    the weights. A subclass ends its `train_step` with `finish_step`.

    Args:
        networks: name -> network with weights; one is called "generator".
        seed: from which every random number of the training follows.
        average_decay: if given, an exponential moving average of the generator's weights is kept with this decay per
            step; 0.999 remembers about a thousand steps. See `sampling_generator`.

    Raises:
        ValueError: if ``average_decay`` is not in [0, 1).

    Source of the average: Yazıcı et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training".
    """

    log_keys: Sequence[str] = ()

    def __init__(
        self,
        networks: dict[str, keras.Model],
        *,
        seed: int = 0,
        average_decay: float | None = None,
        name: str | None = None,
    ):
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
        self.average_decay, self.averages = average_decay, []
        if average_decay is not None:
            self._make_averages()
        self.built = True

    def _make_averages(self):
        if not 0.0 <= self.average_decay < 1.0:
            raise ValueError(f"average_decay is {self.average_decay}; a number from 0 to below 1 was expected.")
        for weight in self.generator.weights:
            average = self.add_weight(
                shape=weight.shape,
                dtype=weight.dtype,
                trainable=False,
                name=f"average_{len(self.averages)}",
                aggregation="only_first_replica",
            )
            average.assign(weight)
            self.averages.append(average)

    def compile(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer],
        *,
        penalty: Callable | None = None,
        penalty_weight: float = 10.0,
        penalty_every: int = 1,
        jit_compile="auto",
        **kwargs,
    ):
        """Takes one optimizer for each network, builds it, and wraps it where the network computes in float16.

        Args:
            optimizers: network name -> optimizer, one object each.
            penalty: `losses.gradient_penalty` or `losses.r1_penalty`, added to the discriminator's loss, or none; of
                no effect where there is no discriminator.
            penalty_weight: what the penalty is multiplied by.
            penalty_every: computes the penalty at every so many steps only, with the weight multiplied by as
                much ("lazy regularisation", Karras et al. 2020, StyleGAN2, section 3.1).
            jit_compile: as Keras has it: "auto" means XLA on a GPU and none on a CPU.
            **kwargs: ``run_eagerly``, ``steps_per_execution``.

        Raises:
            TypeError: if it is no dictionary, or what it holds are no optimizers: Keras' names for them, for instance.
            ValueError: if the names differ from the networks', two networks share an optimizer, or ``penalty_every`` is
                below 1.
        """
        self._check_types(optimizers)
        if set(optimizers) != set(self.network_names):
            raise ValueError(
                f"Optimizers came for {sorted(optimizers)}, but the networks are {sorted(self.network_names)}. "
                "Give one optimizer for each network."
            )
        if len({id(optimizer) for optimizer in optimizers.values()}) < len(optimizers):
            raise ValueError(
                "Two networks got the same optimizer object. Make one for each: they keep their own moments."
            )
        if penalty_every < 1:
            raise ValueError(f"penalty_every is {penalty_every}; a whole number of steps, at least 1, was expected.")
        self.penalty, self.penalty_weight, self.penalty_every = penalty, penalty_weight, penalty_every
        super().compile(optimizer=None, jit_compile=jit_compile, **kwargs)
        for key, optimizer in optimizers.items():
            network = getattr(self, key)
            half = any(layer.compute_dtype == "float16" for layer in network._flatten_layers(include_self=False))
            if half and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            if not optimizer.built:
                optimizer.build(network.trainable_variables)
            setattr(self, f"{key}_optimizer", optimizer)

    def _check_types(self, optimizers):
        if not isinstance(optimizers, Mapping):
            came = f"an object of type {type(optimizers).__name__} came"
        else:
            no_optimizers = {
                key: value for key, value in optimizers.items() if not isinstance(value, keras.optimizers.Optimizer)
            }
            if not no_optimizers:
                return
            came = ", ".join(f"{type(value).__name__} for {key!r}" for key, value in no_optimizers.items())
            came = f"objects of these types came: {came}"
        example = ", ".join(f'"{name}": keras.optimizers.Adam(2e-4)' for name in self.network_names)
        raise TypeError(
            f"As optimizers {came}; a dictionary with one keras.optimizers.Optimizer for each network was expected, "
            f"such as {{{example}}}."
        )

    def fit(self, x=None, y=None, **kwargs):
        """As Keras' own `fit`. A dataset is taken in its own order, without the warning that Keras 3.15 gives then, and
        not tuned: the end of `fit` could wait up to a minute for the thread that does it."""
        kwargs.setdefault("shuffle", not isinstance(x, tf.data.Dataset))
        kwargs["validation_data"] = _untuned(kwargs.get("validation_data"))
        return super().fit(_untuned(x), y, **kwargs)

    def weighted_penalty(self, judge: Callable, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """What this step adds to the discriminator's loss, float32: the penalty with its weight, or 0 if it is not due.

        ``judge`` maps pictures to logits.
        """
        weight = self.penalty_weight * self.penalty_every
        seed = stream_seed(self.seed, "penalty", self.iteration)

        def due():
            return weight * self.penalty(judge, real, fake, seed)

        if self.penalty_every == 1:
            return due()
        return tf.cond(tf.equal(tf.convert_to_tensor(self.iteration) % self.penalty_every, 0), due, lambda: 0.0)

    def log(self, values: Logs) -> Logs:
        """Adds one step's values to the epoch's averages and returns those, as Keras' own `train_step` does."""
        for key, value in values.items():
            self.trackers[key].update_state(value)
        return {key: self.trackers[key].result() for key in values}

    def finish_step(self) -> None:
        """What every training step ends with: the averages follow the generator, and the step is counted."""
        if self.averages:
            # Early on the average would mostly remember the random start, so its memory grows with the steps.
            steps = tf.cast(self.iteration, tf.float32)
            keep = tf.minimum(self.average_decay, (1.0 + steps) / (10.0 + steps))
            for average, weight in zip(self.averages, self.generator.weights, strict=True):
                average.assign(keep * average + (1.0 - keep) * tf.cast(weight, average.dtype))
        self.iteration.assign_add(1)

    def sampling_generator(self) -> keras.Model:
        """The generator to make pictures with: a copy with the averaged weights, or the generator itself
        where no average is kept. Each call makes a new copy, which later training leaves as it is."""
        if not self.averages:
            return self.generator
        sampler = keras.models.clone_model(self.generator)
        for weight, average in zip(sampler.weights, self.averages, strict=True):
            weight.assign(average)
        return sampler


def _untuned(data):
    """The same data; a dataset without the tuning thread of tf.data, which sleeps while others wait for it.

    Also where its maker had switched tuning on. See `datasets.batching.fetched_ahead`.
    """
    if not isinstance(data, tf.data.Dataset):
        return data
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
