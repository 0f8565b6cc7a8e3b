"""losses: values, stability, and slopes of every adversarial pair and both penalties."""

import math
import re
from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib import losses

LOG2 = math.log(2.0)

# pair -> (logit of a discriminator that cannot tell, its loss, the generator's loss)
CANNOT_TELL = {
    "minimax": (0.0, 2 * LOG2, -LOG2),
    "non_saturating": (0.0, 2 * LOG2, LOG2),
    "least_squares": (0.5, 0.25, 0.125),
    "hinge": (0.0, 2.0, 0.0),
    "wasserstein": (0.0, 0.0, 0.0),
}


def pair(name):
    return getattr(losses, f"{name}_discriminator_loss"), getattr(losses, f"{name}_generator_loss")


def in_words(text):
    """The number of "1/4" or "2 log 2 = 1.386", where the decimals must be those of the formula."""
    formula, _, decimals = text.partition(" = ")
    factor, logarithm, argument = formula.partition("log ")
    number = float(Fraction({"": "1", "-": "-1"}.get(factor.strip(), factor.strip())))
    number *= math.log(float(argument)) if logarithm else 1.0
    assert not decimals or decimals == f"{number:.3f}"
    return number


def test_the_table_says_of_every_pair_what_is_so():
    rows = (re.split(r"\s{2,}", line.strip()) for line in losses.__doc__.splitlines())
    table = {row[0]: row[1:] for row in rows if len(row) == 4 and row[0] != "pair" and "=" not in row[0]}
    found = {name.removesuffix("_generator_loss") for name in dir(losses) if name.endswith("_generator_loss")}
    assert found == set(CANNOT_TELL) == set(table)
    for name, (means, *values) in table.items():
        assert [in_words(means.split()[-1]), *map(in_words, values)] == pytest.approx(list(CANNOT_TELL[name]))


@pytest.mark.parametrize("shape", [(4, 1), (3, 5, 5, 1)])
@pytest.mark.parametrize("name", CANNOT_TELL)
def test_value_when_the_discriminator_cannot_tell(name, shape):
    logit, discriminator_value, generator_value = CANNOT_TELL[name]
    discriminator_loss, generator_loss = pair(name)
    logits = tf.fill(shape, logit)
    assert discriminator_loss(logits, logits).numpy() == pytest.approx(discriminator_value, abs=1e-6)
    assert generator_loss(logits).numpy() == pytest.approx(generator_value, abs=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", CANNOT_TELL)
def test_extreme_logits_give_finite_float32_losses_and_slopes(name, dtype):
    discriminator_loss, generator_loss = pair(name)
    for real, fake in ((100.0, -100.0), (-100.0, 100.0)):
        # A mean of 40,000 logits of 100 taken in float16 would be infinite (its largest number is 65,504).
        real, fake = tf.fill([200, 200, 1], tf.cast(real, dtype)), tf.fill([200, 200, 1], tf.cast(fake, dtype))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, fake])
            values = discriminator_loss(real, fake), generator_loss(fake)
        for value in values:
            assert value.dtype == tf.float32
            assert np.isfinite(value.numpy())
        for value, logits in ((values[0], real), (values[0], fake), (values[1], fake)):
            assert np.isfinite(tf.cast(tape.gradient(value, logits), tf.float32).numpy()).all()


def test_the_naive_formula_of_the_non_saturating_loss_is_infinite_there():
    logits = tf.fill([4, 1], -110.0)
    assert np.isinf(-tf.reduce_mean(tf.math.log(tf.sigmoid(logits))).numpy())
    assert losses.non_saturating_generator_loss(logits).numpy() == pytest.approx(110.0)


def test_cross_entropies_agree_with_keras():
    random = np.random.default_rng(0)
    real, fake = (random.normal(0, 3, (64, 1)).astype("float32") for _ in range(2))
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = float(entropy(np.ones_like(real), real) + entropy(np.zeros_like(fake), fake))
    assert float(losses.minimax_discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.non_saturating_discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5)
    wanted = float(entropy(np.ones_like(fake), fake))
    assert float(losses.non_saturating_generator_loss(fake)) == pytest.approx(wanted, rel=1e-5)
    wanted = -float(entropy(np.zeros_like(fake), fake))
    assert float(losses.minimax_generator_loss(fake)) == pytest.approx(wanted, rel=1e-5)


def test_other_pairs_against_numbers_by_hand():
    real, fake = np.array([[0.5], [3.0]], "float32"), np.array([[-2.0], [0.5]], "float32")
    assert float(losses.hinge_discriminator_loss(real, fake)) == pytest.approx((0.5 + 0) / 2 + (0 + 1.5) / 2)
    assert float(losses.hinge_generator_loss(fake)) == pytest.approx(0.75)
    assert float(losses.least_squares_discriminator_loss(real, fake)) == pytest.approx((0.25 + 4) / 4 + (4 + 0.25) / 4)
    assert float(losses.least_squares_generator_loss(fake)) == pytest.approx((9 + 0.25) / 4)
    assert float(losses.wasserstein_discriminator_loss(real, fake)) == pytest.approx(-0.75 - 1.75)
    assert float(losses.wasserstein_generator_loss(fake)) == pytest.approx(0.75)


def slope(loss, logit):
    logits = tf.fill([8, 1], logit)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(logits)
    return float(tf.reduce_sum(tape.gradient(value, logits)))


def test_a_strong_discriminator_silences_the_minimax_generator_only():
    minimax, non_saturating = (slope(pair(name)[1], -10.0) for name in ("minimax", "non_saturating"))
    assert minimax == pytest.approx(-1 / (1 + math.exp(10)), rel=1e-3)
    assert non_saturating == pytest.approx(-1.0, abs=1e-3)
    assert abs(non_saturating) > 1000 * abs(minimax)


@pytest.mark.parametrize("name", CANNOT_TELL)
def test_both_players_pull_the_fake_logit_apart(name):
    discriminator_loss, generator_loss = pair(name)
    logit = CANNOT_TELL[name][0]
    assert slope(generator_loss, logit) < 0  # a step against the slope raises it
    assert slope(lambda fake: discriminator_loss(tf.zeros([8, 1]), fake), logit) > 0
    assert slope(lambda real: discriminator_loss(real, tf.zeros([8, 1])), logit) < 0


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_label_smoothing(name):
    loss, far_below = pair(name)[0], tf.fill([4, 1], -50.0)  # the fake half is 0 there
    assert float(loss(tf.zeros([4, 1]), tf.zeros([4, 1]), real_target=0.9)) == pytest.approx(2 * LOG2)
    assert float(loss(tf.fill([4, 1], 2.0), far_below, 0.9)) == pytest.approx(
        0.9 * math.log1p(math.exp(-2)) + 0.1 * math.log1p(math.exp(2)), rel=1e-5
    )
    # It is smallest where the discriminator answers 0.9, not where it is certain.
    at_target = float(loss(tf.fill([4, 1], math.log(9.0)), far_below, 0.9))
    assert at_target < float(loss(tf.fill([4, 1], 1.5), far_below, 0.9))
    assert at_target < float(loss(tf.fill([4, 1], 8.0), far_below, 0.9))


@pytest.mark.parametrize("target", [0.0, -0.1, 1.1])
def test_a_smoothed_label_is_a_probability(target):
    with pytest.raises(ValueError, match=r"real_target is .*\(0, 1\]"):
        losses.minimax_discriminator_loss(tf.zeros([1, 1]), tf.zeros([1, 1]), target)


def linear(slope_of_critic):
    """A critic whose gradient by the picture has exactly this length, everywhere."""

    def critic(pictures):
        pixels = tf.reshape(pictures, [tf.shape(pictures)[0], -1])
        direction = tf.math.l2_normalize(tf.ones([pixels.shape[1], 1]))
        return slope_of_critic * tf.matmul(pixels, direction) + 3.0

    return critic


@pytest.fixture
def pictures():
    random = np.random.default_rng(0)
    return tuple(tf.constant(random.uniform(-1, 1, (6, 4, 5, 1)), tf.float32) for _ in range(2))


@pytest.mark.parametrize("critic_slope, expected", [(1.0, 0.0), (2.0, 1.0), (0.5, 0.25)])
def test_gradient_penalty_of_a_known_slope(pictures, critic_slope, expected):
    penalty = losses.gradient_penalty(linear(critic_slope), *pictures, seed=(0, 0))
    assert penalty.dtype == tf.float32
    assert float(penalty) == pytest.approx(expected, abs=1e-5)


def points_of(real, fake, seed=(0, 0)):
    seen = []

    def critic(batch):
        seen.append(batch.numpy())
        return tf.reduce_sum(batch, axis=tf.range(1, len(batch.shape)))

    losses.gradient_penalty(critic, real, fake, seed=seed)
    assert len(seen) == 1
    return seen[0]


def test_one_uniform_draw_for_each_picture():
    points = points_of(tf.zeros([4000, 2, 2, 1]), tf.ones([4000, 2, 2, 1]))
    assert (points == points[:, :1, :1]).all()  # from black to white, so a point's grey is the draw itself
    draws = points[:, 0, 0, 0]
    assert len(np.unique(draws)) > 3900
    assert draws.min() >= 0.0 and draws.max() <= 1.0
    assert np.histogram(draws, bins=4, range=(0, 1))[0] == pytest.approx([1000] * 4, abs=150)
    # keras.io's example draws from a normal distribution instead: a third of its points are off the line.
    normal = np.random.default_rng(0).normal(0, 1, 4000)
    assert ((normal < 0) | (normal > 1)).mean() > 0.3


def test_points_lie_between_their_own_two_pictures(pictures):
    real, fake = (part.numpy() for part in pictures)
    points = points_of(real, fake)
    assert (points >= np.minimum(real, fake) - 1e-6).all()
    assert (points <= np.maximum(real, fake) + 1e-6).all()


def test_gradient_penalty_follows_its_seed(pictures):
    assert (points_of(*pictures, seed=(1, 2)) == points_of(*pictures, seed=(1, 2))).all()
    assert (points_of(*pictures, seed=(1, 2)) != points_of(*pictures, seed=(1, 3))).any()


def test_second_derivative_is_finite_at_slope_zero(pictures):
    weight = tf.Variable(0.0)

    def slope_of_weight(penalty):
        with tf.GradientTape() as tape:
            value = penalty(lambda batch: weight * tf.reduce_sum(batch, axis=[1, 2, 3]))
        return float(tape.gradient(value, weight))

    def naive(critic):
        with tf.GradientTape() as tape:
            tape.watch(pictures[0])
            scores = critic(pictures[0])
        gradients = tf.reshape(tape.gradient(scores, pictures[0]), [6, -1])
        return tf.reduce_mean(tf.square(tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=1)) - 1.0))

    assert np.isnan(slope_of_weight(naive))
    assert np.isfinite(slope_of_weight(lambda critic: losses.gradient_penalty(critic, *pictures, seed=(0, 0))))


@pytest.mark.parametrize("critic_slope", [0.0, 1.0, 3.0])
def test_r1_of_a_known_slope(pictures, critic_slope):
    assert float(losses.r1_penalty(linear(critic_slope), pictures[0])) == pytest.approx(0.5 * critic_slope**2, rel=1e-5)


def test_r1_looks_at_real_pictures_only(pictures):
    real, fake = pictures
    square = lambda batch: 0.5 * tf.reduce_sum(tf.square(batch), axis=[1, 2, 3])  # noqa: E731  its gradient is the picture
    expected = 0.5 * float(tf.reduce_mean(tf.reduce_sum(tf.square(real), axis=[1, 2, 3])))
    assert float(losses.r1_penalty(square, real, fake, seed=(0, 0))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("penalty", [losses.gradient_penalty, losses.r1_penalty])
def test_penalties_have_the_right_slope_by_the_weights(pictures, penalty):
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        value = penalty(lambda batch: weight * linear(1.0)(batch), *pictures, seed=(0, 0))
    # (w - 1)^2 and w^2 / 2: both have the slope 2 at w = 2.
    assert float(tape.gradient(value, weight)) == pytest.approx(2.0, rel=1e-4)


@pytest.mark.parametrize("penalty", [losses.gradient_penalty, losses.r1_penalty])
def test_penalties_are_float32_for_float16_pictures(pictures, penalty):
    halves = [tf.cast(part, tf.float16) for part in pictures]
    value = penalty(linear(2.0), *halves, seed=(0, 0))
    assert value.dtype == tf.float32
    assert np.isfinite(value.numpy())


@pytest.mark.parametrize("penalty", [losses.gradient_penalty, losses.r1_penalty])
def test_a_small_slope_survives_a_float16_network(penalty, precision, pictures):
    """Slopes of a hundred-thousandth for each pixel: their squares are 0 in float16, so they are taken in float32."""

    def value_and_slope(policy):
        precision(policy)
        keras.utils.set_random_seed(1)
        first = keras.layers.Dense(64, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3))
        last = keras.layers.Dense(1, dtype="float32", kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3))
        network = keras.Sequential([keras.Input((4, 5, 1)), keras.layers.Flatten(), first, last])
        with tf.GradientTape() as tape:
            value = penalty(network, *pictures, seed=(0, 0))
            scaled = value * 2.0**15  # as LossScaleOptimizer does
        return float(value), tape.gradient(scaled, first.kernel).numpy()

    exact, exact_slope = value_and_slope("float32")
    value, slope_by_kernel = value_and_slope("mixed_float16")
    assert np.float16(1e-5) ** 2 == 0.0
    assert value == pytest.approx(exact, rel=0.02)
    assert np.abs(slope_by_kernel - exact_slope).max() < 0.05 * np.abs(exact_slope).max()


PIXEL_LOSSES = {losses.mean_absolute_error: np.abs, losses.mean_squared_error: np.square}


@pytest.mark.parametrize("loss, of_difference", PIXEL_LOSSES.items(), ids=["L1", "L2"])
def test_pixel_losses_with_and_without_a_mask(loss, of_difference):
    random = np.random.default_rng(0)
    restored, clean = random.uniform(-1, 1, (2, 2, 6, 5, 3)).astype("float32")
    mask = (random.uniform(size=(2, 6, 5, 1)) < 0.3).astype("float32")
    each = of_difference(restored - clean)
    assert float(loss(restored, clean)) == pytest.approx(each.mean(), rel=1e-5)
    missing = np.broadcast_to(mask > 0, each.shape)
    assert float(loss(restored, clean, mask)) == pytest.approx(each[missing].mean(), rel=1e-5)
    assert float(loss(restored, clean, np.ones_like(mask))) == pytest.approx(each.mean(), rel=1e-5)
    assert float(loss(restored, clean, np.zeros_like(mask))) == 0.0
    assert float(loss(clean, clean)) == 0.0


@pytest.mark.parametrize("loss", PIXEL_LOSSES, ids=["L1", "L2"])
def test_known_pixels_have_no_slope(loss):
    restored = tf.Variable(tf.random.stateless_uniform([1, 4, 4, 3], seed=(0, 1)))
    mask = tf.cast(tf.reshape(tf.range(16) < 5, [1, 4, 4, 1]), tf.float32)
    with tf.GradientTape() as tape:
        value = loss(restored, tf.zeros_like(restored), mask)
    slopes = np.abs(tape.gradient(value, restored).numpy()).max(axis=-1).ravel()
    assert (slopes[:5] > 0).all()
    assert (slopes[5:] == 0).all()


def test_a_pixel_loss_has_its_least_value_at_the_median_or_the_mean():
    """Five pictures are equally likely: the best single answer is their median (L1) or their mean (L2)."""
    plausible = np.float32([-1.0, -0.9, -0.7, 0.1, 1.0]).reshape(5, 1, 1, 1)
    answers = np.linspace(-1, 1, 201, dtype=np.float32)
    for loss, best in ((losses.mean_absolute_error, np.median), (losses.mean_squared_error, np.mean)):
        values = [float(loss(np.full_like(plausible, answer), plausible)) for answer in answers]
        assert answers[np.argmin(values)] == pytest.approx(best(plausible), abs=0.006)


@pytest.mark.parametrize("loss", PIXEL_LOSSES, ids=["L1", "L2"])
def test_pixel_losses_are_float32_and_do_not_overflow(loss):
    halves = tf.fill([1, 512, 512, 3], tf.constant(2.0, tf.float16))
    value = loss(halves, tf.zeros_like(halves), tf.ones([1, 512, 512, 1], tf.float16))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(2.0 if loss is losses.mean_absolute_error else 4.0)


# --- weights for the overlap


def test_the_band_of_the_overlap_weighs_ten_times_as_much():
    weights = losses.overlap_weights()
    assert (weights.shape, weights.dtype) == ((64, 64, 1), np.float32)
    inner = np.zeros((64, 64), bool)
    inner[7:57, 7:57] = True
    assert (weights[inner] == 1).all()
    assert (weights[~inner] == 10).all()
    released = losses.overlap_weights(64, 4, 3.0)
    assert (released == 3).sum() == 64**2 - 56**2
    assert (losses.overlap_weights(8, 0) == 1).all()
    assert (losses.overlap_weights(8, 4) == 10).all()


@pytest.mark.parametrize("size, overlap, weight", [(64, 33, 10.0), (64, -1, 10.0), (64, 7, -1.0)])
def test_bands_that_cannot_be(size, overlap, weight):
    with pytest.raises(ValueError, match=f"A band of {overlap} pixels with weight {weight} in a region of {size}"):
        losses.overlap_weights(size, overlap, weight)


def test_the_weighted_loss_is_the_mean_of_weighted_squares():
    random = np.random.default_rng(0)
    restored, clean = random.uniform(-1, 1, (2, 2, 9, 9, 3)).astype("float32")
    weights = losses.overlap_weights(9, 2)
    loss = losses.weighted_squared_error(weights)
    each = weights * np.square(restored - clean)
    assert float(loss(restored, clean)) == pytest.approx(each.mean(), rel=1e-5)
    assert float(loss(restored, clean)) > 2 * float(losses.mean_squared_error(restored, clean))
    mask = (random.uniform(size=(2, 9, 9, 1)) < 0.3).astype("float32")
    missing = np.broadcast_to(mask > 0, each.shape)
    assert float(loss(restored, clean, mask)) == pytest.approx(each[missing].mean(), rel=1e-5)
    even = losses.weighted_squared_error(np.ones((9, 9, 1)))
    assert float(even(restored, clean, mask)) == pytest.approx(
        float(losses.mean_squared_error(restored, clean, mask)), rel=1e-5
    )


def test_slopes_in_the_band_are_ten_times_as_steep():
    restored = tf.Variable(tf.ones([1, 6, 6, 1]))
    with tf.GradientTape() as tape:
        value = losses.weighted_squared_error(losses.overlap_weights(6, 1))(restored, tf.zeros_like(restored))
    slopes = tape.gradient(value, restored).numpy()[0, ..., 0]
    assert slopes[2, 2] == pytest.approx(2 / 36)
    assert slopes[0] == pytest.approx(np.full(6, 20 / 36))


def test_weights_that_do_not_fit_are_named():
    for wrong in (np.ones((4, 4)), np.ones((4, 4, 3)), -np.ones((4, 4, 1)), np.full((4, 4, 1), np.nan)):
        with pytest.raises(ValueError, match=r"Weights of shape .* came; \(height, width, 1\)"):
            losses.weighted_squared_error(wrong)
    with pytest.raises(ValueError, match="for 4 x 4 pixels, but pictures of 4 x 5"):
        losses.weighted_squared_error(np.ones((4, 4, 1)))(tf.zeros([1, 4, 5, 1]), tf.zeros([1, 4, 5, 1]))


# --- the grid that upsampling layers draw


def with_grid(period, strength, side=24, seed=5):
    """A texture, and the same with a grid of that period laid over it. In [-1, 1]."""
    random = np.random.default_rng(seed)
    clean = np.float32(random.uniform(-0.5, 0.5, (2, side, side, 3)))
    block = np.float32(random.choice([-1, 1], (period, period, 1)))
    block -= block.mean()
    return clean + strength * np.tile(block / block.std(), (side // period, side // period, 1)), clean


@pytest.mark.parametrize("period", [2, 3, 4])
def test_a_grid_costs_its_variance(period):
    restored, clean = with_grid(period, 0.1)
    loss = losses.checkerboard_loss(period, blocks=6 if period < 4 else 3)
    assert float(loss(restored, clean)) == pytest.approx(0.01, rel=1e-4)
    assert float(loss(clean, clean)) == 0
    assert float(loss(clean + 0.3, clean)) == pytest.approx(0, abs=1e-10)  # no grid: the same error at all places


def test_a_grid_of_half_the_period_counts_and_one_of_another_does_not():
    restored, clean = with_grid(2, 0.1)
    assert float(losses.checkerboard_loss(4)(restored, clean)) == pytest.approx(0.01, rel=1e-4)
    restored, clean = with_grid(3, 0.1)
    assert float(losses.checkerboard_loss(4)(restored, clean)) < 1e-6


def test_a_grid_whose_sign_changes_counts_where_fields_are_small():
    restored, clean = with_grid(2, 0.1)
    turned = np.where(np.arange(24)[:, None, None] < 12, restored, 2 * clean - restored)
    assert float(losses.checkerboard_loss(2, blocks=6)(turned, clean)) == pytest.approx(0.01, rel=1e-4)
    assert float(losses.checkerboard_loss(2, blocks=12)(turned, clean)) == pytest.approx(0, abs=1e-8)


def test_what_is_beyond_whole_fields_does_not_count():
    restored, clean = with_grid(2, 0.1)
    grown = [np.pad(side, ((0, 0), (0, 5), (0, 7), (0, 0))) for side in (restored, clean)]
    grown[0][:, 24:] += np.float32(np.random.default_rng(0).normal(size=grown[0][:, 24:].shape))
    assert float(losses.checkerboard_loss(2)(*grown)) == pytest.approx(0.01, rel=1e-4)


def test_its_slope_takes_the_grid_away_and_leaves_the_texture():
    restored, clean = with_grid(4, 0.1)
    grid = restored - clean
    restored = tf.Variable(restored + np.float32(np.random.default_rng(1).normal(0, 0.2, restored.shape)))
    before = restored.numpy() - clean
    for _ in range(60):
        with tf.GradientTape() as tape:
            value = losses.checkerboard_loss(4)(restored, clean)
        restored.assign_sub(1_000 * tape.gradient(value, restored))
    after = restored.numpy() - clean
    assert abs(np.mean(after * grid)) < 0.02 * abs(np.mean(before * grid))
    assert after.std() > 0.9 * np.std(before - grid)


def test_fields_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="A period of 1 and 6 blocks came"):
        losses.checkerboard_loss(1)
    with pytest.raises(ValueError, match="A period of 4 and 0 blocks came"):
        losses.checkerboard_loss(4, blocks=0)
    with pytest.raises(ValueError, match="Pictures of 23 x 48 pixels came; at least 24 x 24"):
        losses.checkerboard_loss(4)(tf.zeros([1, 23, 48, 3]), tf.zeros([1, 23, 48, 3]))
