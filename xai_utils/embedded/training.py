"""How ``vgg19-mini`` is trained: its schedule, and a loop that can be resumed."""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice, check_count
from xai_utils.embedded.examples import KINDS
from xai_utils.embedded.vgg19_mini import build_vgg19_mini
from xai_utils.files import write_atomically

# Preprocessed pixels lie in about [-124, 151]; He initialisation expects values of order one.
INPUT_SCALE = 64.0

STEPS = 2200  # of the first cycle; a quarter as many follow in the second
BATCH_SIZE = 32
RATES = 1e-3, 5e-4  # the highest of each cycle
WARMUP = 150  # steps, or a tenth of all if that is less

# (until this part of the steps, share of scenes with two objects, share of empty pictures)
SCHEDULE = ((0.15, 0.0, 0.06), (0.6, 0.25, 0.08), (1.0, 0.02, 0.03), (1.25, 0.0, 0.03))

# From these parts of the steps on, the first blocks stay as they are (FreezeOut, arXiv 1706.04983):
# they are learned early, and their gradients, at the full resolution, cost more than all others.
FROZEN = {0.25: "block1", 0.5: "block2"}

# From this part of the steps on, the activations of the last map, added up, cost so many nats: a
# unit that answers where nothing is to be recognised costs more than it brings.
SPARSE_FROM, SPARSITY = 0.2, 4e-4

# How the outputs are read in training. With "sigmoid" each output is a question of its own.
HEADS = {
    "softmax": lambda targets, z: tf.nn.softmax_cross_entropy_with_logits(targets, z),
    "sigmoid": lambda targets, z: tf.reduce_sum(
        tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(targets >= 0.5, tf.float32), z), axis=-1
    ),
}
SAVE_EVERY = 50  # steps


def train(data, steps, seed=0, head="softmax", checkpoint=None, report=None):
    """Train a new network.

    Adam with clipped gradients; the learning rate warms up to 0.001 and falls along a cosine to
    2 % of that, and then once more from half of it (a warm restart: I. Loshchilov and F. Hutter,
    arXiv 1608.03983), now on single objects, so that the network gets sure. The first blocks are
    frozen on the way. Every step draws its batch from (seed, step) alone, so that a training that
    goes on from a checkpoint sees what it would have seen.

    Parameters
    ----------
    data : dict
        From `training_set`.
    steps : int
        Batches of 32 images in the first cycle; a quarter as many follow.
    seed : int
        Of the first weights and of the batches.
    head : {"softmax", "sigmoid"}
        Cross-entropy of the softmax, or the binary one of each class by itself, in which two
        objects are two times yes and an empty picture is twelve times no.
    checkpoint : str or Path, optional
        A file to go on from, if it is there, and to save the state of the training in.
    report : callable, optional
        Called as ``report(step, loss)`` after every step, and for those before a checkpoint.

    Returns
    -------
    model : keras.Model
        With a softmax output, for images preprocessed as VGG19's are.
    losses : ndarray, float32 (steps + steps // 4,)
        Loss of each batch, in nats.

    Raises
    ------
    ValueError
        If the checkpoint is that of another training.
    """
    check_choice("head", head, HEADS)
    check_count("steps", steps)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    network = build_vgg19_mini(classifier_activation=None)
    optimizer = keras.optimizers.Adam(_LearningRate(steps), clipnorm=1.0)
    optimizer.build(network.trainable_variables)
    state = [*network.variables, *optimizer.variables]
    sizes = {kind: len(images) for kind, (images, _) in data.items()}
    constants = [BATCH_SIZE, RATES, WARMUP, SCHEDULE, FROZEN, SPARSE_FROM, SPARSITY]
    recipe = json.dumps([head, seed, steps, sizes, constants])
    report = report or (lambda step, loss: None)
    losses = _resume(checkpoint, recipe, state)
    for step, loss in enumerate(losses):
        report(step, loss)
    descend = _make_step(network, optimizer, HEADS[head])
    starts = [part * steps for part in FROZEN]
    total = count_steps(steps)
    for step in range(len(losses), total):
        pixels, targets = _draw_batch(data, seed, step, steps)
        frozen = sum(step >= start for start in starts)
        losses.append(float(descend(pixels, targets, frozen, step >= SPARSE_FROM * steps)))
        report(step, losses[-1])
        if checkpoint and ((step + 1) % SAVE_EVERY == 0 or step + 1 == total):
            _save(checkpoint, recipe, state, losses)
    model = build_vgg19_mini()
    model.set_weights(network.get_weights())
    first = model.get_layer("block1_conv1")
    first.kernel.assign(first.kernel / INPUT_SCALE)  # so that the stock preprocessing applies
    return model, np.array(losses, np.float32)


def count_steps(steps):
    """Of both cycles, for so many of the first: int."""
    return steps + steps // 4


class Progress:
    """Prints the mean loss of each tenth of the steps; a `report` for `train` with as many."""

    def __init__(self, steps):
        self._steps, self._losses = count_steps(steps), []

    def __call__(self, step, loss):
        tenth = max(1, self._steps // 10)
        self._losses.append(loss)
        if (step + 1) % tenth == 0:
            mean = np.mean(self._losses[-tenth:])
            print(f"step {step + 1:5} of {self._steps}: mean loss {mean:.3f}", flush=True)


class _LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Two cycles of a cosine, the first with a warm-up."""

    def __init__(self, steps):
        cosine = keras.optimizers.schedules.CosineDecay
        warmup, (first, second) = min(WARMUP, steps // 10), RATES
        self.steps = steps
        self.first = cosine(
            0.0, steps - warmup, alpha=0.02, warmup_target=first, warmup_steps=warmup
        )
        self.second = cosine(second, max(1, steps // 4), alpha=0.02)

    def __call__(self, step):
        later = tf.maximum(tf.cast(step, tf.float32) - self.steps, 0)
        return tf.where(step < self.steps, self.first(step), self.second(later))

    def get_config(self):
        return {"steps": self.steps}


def _make_step(network, optimizer, loss_of):
    """One step of descent, as a graph: from pixels and targets to the loss.

    How many of the first blocks are frozen, and whether activations cost, make another graph of it.
    """
    both = keras.Model(network.input, [network.get_layer("block5_pool").output, network.output])

    @tf.function
    def descend(pixels, targets, frozen, sparse):
        names = tuple(FROZEN.values())[:frozen]
        variables = [
            variable
            for layer in network.layers
            if not layer.name.startswith(names)
            for variable in layer.trainable_variables
        ]
        inputs = keras.applications.vgg19.preprocess_input(tf.cast(pixels, tf.float32))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            maps, logits = both(inputs / INPUT_SCALE, training=True)
            loss = tf.reduce_mean(loss_of(targets, logits))
            active = tf.reduce_mean(tf.reduce_sum(maps, axis=(1, 2, 3)))
            cost = loss + SPARSITY * active if sparse else loss
        gradients = tape.gradient(cost, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss

    return descend


def _draw_batch(data, seed, step, steps):
    """Random images, half of them mirrored, and their targets."""
    rng = np.random.default_rng((seed, step))
    double, empty = next(shares for end, *shares in SCHEDULE if step < end * steps)
    counts = rng.multinomial(BATCH_SIZE, [1 - double - empty, double, empty])
    images, targets = [], []
    for kind, count in zip(KINDS, counts, strict=True):
        rows = rng.integers(len(data[kind][0]), size=count)
        images.append(data[kind][0][rows])
        targets.append(data[kind][1][rows])
    images, targets = np.concatenate(images), np.concatenate(targets)
    mirrored = rng.random(BATCH_SIZE) < 0.5
    images[mirrored] = images[mirrored, :, ::-1]
    return tf.constant(images), tf.constant(targets)


def _save(checkpoint, recipe, state, losses):
    arrays = {f"{i:03}": np.asarray(variable) for i, variable in enumerate(state)}
    record = {"recipe": recipe, "losses": losses}
    write_atomically(checkpoint, lambda file: np.savez(file, **record, **arrays))


def _resume(checkpoint, recipe, state):
    """Set the state from a checkpoint, if there is one, and give the losses so far: list."""
    if not checkpoint or not Path(checkpoint).exists():
        return []
    with np.load(checkpoint) as arrays:
        if str(arrays["recipe"]) != recipe:
            raise ValueError(
                f"{str(checkpoint)!r} was written by a training with other settings: "
                f"{arrays['recipe']}, not {recipe}; remove it, or give another file"
            )
        for i, variable in enumerate(state):
            variable.assign(arrays[f"{i:03}"])
        return arrays["losses"].tolist()
