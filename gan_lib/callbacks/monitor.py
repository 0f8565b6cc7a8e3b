"""A monitor that says in plain words what is wrong with a training, and what to try.

The numbers that it looks at come from `signals`, and what is said of them from `verdicts`. It changes no weights, but
for putting good ones back after NaN.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gan_lib.callbacks import signals, verdicts
from gan_lib.callbacks.backup import random_states, training_state
from gan_lib.callbacks.references import check_fit, labels_in_turn, some_real
from gan_lib.callbacks.verdicts import Finding, Limits
from gan_lib.training import GAN, Restoration, draw_latent


class TrainingMonitor(keras.callbacks.Callback):
    """Says what is wrong with an adversarial training, in a sentence, and what to try.

    It looks after each epoch, and tells each kind of trouble once, and again only if it went away and came back. That
    it is silent proves nothing: look at the pictures and the measures. It draws samples with the averaged weights
    where there are some, so trouble that is seen in samples is told some hundred steps late then.

    * ``discriminator_too_strong``: `d_loss` stays within 5 % of its floor, so every answer is sure and right, and the
      generator hears little that it could use. Not judged for the Wasserstein loss, which has no floor.
    * ``discriminator_too_weak``: its weights do not move; or even its mean logits do not tell real from fake, although
      the pictures differ from real ones. At the end of a good game it cannot tell either: that is no finding, so the
      logits are not judged without real pictures, nor for the Wasserstein loss.
    * ``collapse``: the samples are much more alike than real pictures are, or nearly each has a twin. A generator that
      only leaves out some kinds of pictures is not found: a classifier has to count those.
    * ``saturation``: nearly every pixel of the samples is at tanh's limits, where real ones are not; or the
      generator's loss is flat where its pictures are judged (the minimax loss against a sure discriminator). Both are
      seen without a gradient: behind a flat end no learning follows, whatever comes before it.
    * ``not_finite``: NaN or infinity in a loss or a weight. It stops the training, and the last good state (weights,
      moments, averages, step counter) is put back, so that you can go on with a lower learning rate.
    * ``near_float16_limit``: logits or activations of a discriminator that computes in float16 pass 2048. In
      restoration only the mean logits of the epoch are looked at, in which large ones of both signs cancel out.

    In restoration (`training.Restoration`) no samples are drawn: there is no collapse, and a discriminator that cannot
    tell may just as well have good pictures before it. A strong one is common early on, so it has to stay longer
    before it is named; while the adversarial term has no weight, nothing is said of it.

    Put it first among the callbacks, so that a backup or a score sees the good weights after NaN. It keeps a copy of
    all weights and moments in memory, made after each epoch; and what is slow needs ``patience`` epochs to be told
    (twice as many for a strong discriminator in restoration), so a run of fewer epochs shows it nothing.

    Args:
        real: real pictures to compare samples with, uint8 or float in [-1, 1], (count, ...) like the generator's, at
            least 16; some hundreds are plenty. Without them the samples are compared with the run's own best, where
            twins among points (samples of one axis) are no finding.
        real_labels: their labels, integers (count,), where the generator takes labels: samples are then compared
            within each class.
        labels: the labels to draw samples with; without them all classes of ``real_labels``, evenly.
        count: how many samples are drawn, always with the same latents.
        seed: of these latents.
        patience: for how many epochs in a row the slow kinds of trouble last before they are told; all but
            ``not_finite`` and ``near_float16_limit``.
        after_steps: training steps at the start in which only these two are looked for: an untrained generator draws
            nearly the same picture again and again, and an untrained discriminator cannot tell. Against real pictures
            the variety of samples is judged after five times as many.
        check_every: looks for NaN after every so many batches.
        limits: from where on a number is bad.
        tell: is called with each sentence; None keeps it silent.

    Attributes:
        findings: every `Finding` of the present run.

    Raises:
        ValueError: if the pictures or labels cannot be used.

    Example:
        >>> from gan_lib.datasets import batches, load_digits
        >>> from gan_lib.networks.dcgan import dcgan_discriminator, dcgan_generator
        >>> from gan_lib.training import GAN
        >>> digits = load_digits()
        >>> gan = GAN(dcgan_generator(), dcgan_discriminator())
        >>> gan.compile({name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in gan.network_names})
        >>> monitor = TrainingMonitor(digits.train_images[:500])
        >>> real = batches(digits.train_images, batch_size=128)
        >>> history = gan.fit(real, epochs=5, steps_per_epoch=400, callbacks=[monitor])
        >>> [finding.kind for finding in monitor.findings]
        []
    """

    KINDS = (
        "discriminator_too_strong",
        "discriminator_too_weak",
        "collapse",
        "saturation",
        "not_finite",
        "near_float16_limit",
    )
    # In the fully connected GAN of lesson 01 samples differ a fifth as much as digits do for the first 400 steps.
    # Until so many times `after_steps`, samples are said to collapse only if they once were more varied.
    young = 5

    def __init__(
        self,
        real: np.ndarray | None = None,
        *,
        real_labels: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        count: int = 64,
        seed: int = 2,
        patience: int = 2,
        after_steps: int = 200,
        check_every: int = 20,
        limits: Limits | None = None,
        tell: Callable[[str], None] | None = print,
    ):
        super().__init__()
        if count < 16 or min(patience, check_every) < 1:
            raise ValueError(
                f"count, patience and check_every are {count}, {patience} and {check_every}; "
                "at least 16, 1 and 1 were expected."
            )
        self.count, self.seed, self.patience = count, seed, patience
        self.after_steps, self.check_every, self.tell = after_steps, check_every, tell
        self.limits = limits or Limits()
        if real_labels is not None and real is None:
            raise ValueError("real_labels came without real pictures. Give both, or labels to draw with.")
        self.real, self.real_labels = (None, None) if real is None else some_real(real, real_labels, count, labels)
        if labels is None and self.real_labels is not None:
            labels = np.unique(self.real_labels)
        self.labels = None if labels is None else labels_in_turn(labels, count)
        self.findings: list[Finding] = []

    def on_train_begin(self, logs=None):
        """Looks whether it knows this scheme, and keeps the state that training starts from."""
        model = self.model
        if not isinstance(model, GAN | Restoration):
            raise TypeError(
                f"The monitor came with a {type(model).__name__}, but it knows training.GAN and training.Restoration "
                "only. Train with one of these, or leave the monitor out."
            )
        self.draws = isinstance(model, GAN)
        self.plays = self.draws or model.adversarial
        if self.draws:
            check_fit(model, self.real, self.labels)
        self.findings, self.streaks = [], dict.fromkeys(self.KINDS, 0)
        self.epoch, self.batches, self.stopped = 0, 0, False
        self.best_spread = np.zeros(2)
        self.scale = signals.scale_of(model.discriminator_loss) if self.plays else None
        self.probe = signals.float16_probe(model.discriminator) if self.plays else None
        self._keep("before the training")

    def on_epoch_begin(self, epoch, logs=None):
        """Notes which epoch it is."""
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        """Looks for NaN now and then."""
        self.batches += 1
        if self.batches % self.check_every == 0 and not self.stopped:
            self._stop_if_not_finite(logs)

    def on_epoch_end(self, epoch, logs=None):
        """Looks at everything else."""
        if self.stopped or self._stop_if_not_finite(logs, weights=True):
            return
        missing = [key for key in ("d_loss", "d_real", "d_fake") if self.plays and key not in (logs or {})]
        if missing:
            raise TypeError(
                f"The monitor needs {', '.join(missing)} among what a training step logs, but "
                f"{type(self.model).__name__} logs only {', '.join(sorted(logs or {})) or 'nothing'}. Log them too, or "
                "leave the monitor out."
            )
        for kind, sentence in self._look(logs or {}).items():
            self.streaks[kind] = 0 if sentence is None else self.streaks[kind] + 1
            if self.streaks[kind] == self._patience_with(kind):
                self._tell(kind, sentence)
        self._keep(f"after epoch {self.epoch}")

    def _patience_with(self, kind):
        if kind == "near_float16_limit":
            return 1
        return 2 * self.patience if kind == "discriminator_too_strong" and not self.draws else self.patience

    def _tell(self, kind, sentence):
        self.findings.append(Finding(kind, self.epoch, sentence))
        if self.tell is not None:
            self.tell(f"Monitor, epoch {self.epoch}: {sentence}")

    # --- NaN

    def _keep(self, when):
        variables = [*training_state(self.model), *random_states(self.model)]
        self.kept, self.kept_when = [(variable, variable.numpy()) for variable in variables], when
        judge = self.model.discriminator.trainable_weights if self.plays else []
        self.judge_before = [weight.numpy() for weight in judge]

    def _stop_if_not_finite(self, logs, weights=False):
        logs = logs or {}
        bad = [key for key in self.model.log_keys if key in logs and not np.isfinite(float(logs[key]))]
        if not bad and not (weights and not signals.all_finite(self.model.weights)):
            return False
        for variable, value in self.kept:
            variable.assign(value)
        self.stopped = self.model.stop_training = True
        half = any(signals.float16_probe(getattr(self.model, name)) for name in self.model.network_names)
        self._tell("not_finite", verdicts.not_finite(bad[0] if bad else "A weight", self.kept_when, half))
        return True

    # --- what is slow

    def _look(self, logs) -> dict[str, str | None]:
        """What is wrong now: kind -> sentence, or None, for the kinds that can be judged."""
        found = {}
        settled = int(self.model.iteration.numpy()) >= self.after_steps
        if self.plays and settled and logs.get("adversarial_weight", 1.0) > 0:
            now = [weight.numpy() for weight in self.model.discriminator.trainable_weights]
            learns = signals.moved(self.judge_before, now)
            found["discriminator_too_strong"] = verdicts.too_strong(
                logs["d_loss"] - logs.get("d_penalty", 0.0), self.scale, self.limits
            )
            found["discriminator_too_weak"] = None if learns else verdicts.does_not_learn()
        samples = self._samples() if self.draws else None
        if self.draws and settled:
            found |= {"collapse": self._collapse(samples), "saturation": self._saturation(samples, logs)}
            if found["discriminator_too_weak"] is None and self._is_fooled(samples, logs):
                found["discriminator_too_weak"] = verdicts.too_weak(logs["d_real"], logs["d_fake"])
        if self.probe is not None:
            found["near_float16_limit"] = verdicts.near_float16(self._largest(samples, logs), self.limits)
        return found

    def _is_fooled(self, samples, logs):
        if self.real is None or self.scale.floor is None:  # a good game looks the same; or there is no scale
            return False
        d_loss = signals.loss_of(self.model.discriminator_loss, logs["d_real"], logs["d_fake"])
        if self.scale.certainty(d_loss) >= self.limits.too_unsure:
            return False
        return signals.strangeness(samples, self.real) > self.limits.too_strange

    def _collapse(self, samples):
        spread = signals.spread(samples, self.labels)
        self.best_spread = np.fmax(self.best_spread, spread)
        if self.real is None or (self.labels is not None and self.real_labels is None):
            # Points that gather on small islands, as they should, get twins: of points only the mean distance counts.
            reference = self.best_spread * [1, 0] if samples.ndim == 2 else self.best_spread
            return verdicts.collapsed(spread, reference, "the best samples of this run", self.limits)
        reference, compared_with = signals.spread(self.real, self.real_labels), "real pictures"
        if int(self.model.iteration.numpy()) < self.young * self.after_steps:
            reference, compared_with = np.fmin(reference, self.best_spread), "the best samples of this run"
        return verdicts.collapsed(spread, reference, compared_with, self.limits)

    def _saturation(self, samples, logs):
        pictures = samples.ndim > 2 and np.abs(samples).max() <= 1.001  # not points of a ring, nor a linear output
        if pictures:
            real = None if self.real is None else signals.inside(self.real)
            if sentence := verdicts.hard(signals.inside(samples), real, self.limits):
                return sentence
        loss = self.model.generator_loss
        slope, usual = signals.slope(loss, logs["d_fake"]), signals.slope(loss, 0.0)
        return verdicts.flat(slope, usual, logs["d_fake"], self.limits)

    # --- samples

    def _samples(self):
        """Samples of the same latents each time, float32, as the network returns them."""
        latents = draw_latent(self.count, self.model.latent_dim, seed=self.seed)
        inputs = _inputs(latents, self.labels)
        return self.model.sampling_generator()(inputs, training=False).numpy().astype(np.float32)

    def _largest(self, samples, logs):
        if samples is None:  # restoration: only the mean logits of the epoch are at hand
            return max(abs(logs["d_real"]), abs(logs["d_fake"]))
        inputs = [_inputs(samples, self.labels)]
        if self.real is not None and (not self.model.conditional or self.real_labels is not None):
            inputs.append(_inputs(self.real, self.real_labels))
        return signals.largest(self.probe, inputs)


def _inputs(tensor, labels):
    return tensor if labels is None else [tf.convert_to_tensor(tensor), tf.convert_to_tensor(labels)]
