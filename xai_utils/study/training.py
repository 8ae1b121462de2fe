"""A small network and plain gradient descent, to see what a training leaves as it was."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

from xai_utils.classifier import softmax

HIDDEN, BATCH_SIZE, RATE = 32, 32, 0.2


@dataclass
class SmallNetwork:
    """One hidden layer with ReLU, then logits, in float64.

    Attributes
    ----------
    first : ndarray (pixels, hidden)
    last : ndarray (hidden, classes)
    """

    first: np.ndarray
    last: np.ndarray

    def hidden(self, x):
        """The hidden layer: (N, hidden)."""
        return np.maximum(x @ self.first, 0)

    def logits(self, x):
        """(N, classes)."""
        return self.hidden(x) @ self.last

    def logit_gradients(self, x):
        """The gradient of each logit with respect to the pixels: (N, classes, pixels)."""
        active = (self.hidden(x) > 0).astype(float)
        return np.einsum("ph,nh,hc->ncp", self.first, active, self.last)


def load_digit_images():
    """Handwritten digits of scikit-learn: pixels in [0, 1], float64 (1797, 64), and classes."""
    digits = load_digits()
    return digits.data / 16, digits.target


def start_network(seed, shift=0.0):
    """A network as it is before training, from a seed.

    Parameters
    ----------
    seed : int
    shift : array_like, float (hidden,) or 0
        Added to every column of the last kernel.

    Returns
    -------
    SmallNetwork
        He initialisation for the first kernel, Glorot for the last one.
    """
    rng = np.random.default_rng(seed)
    first = rng.normal(0, np.sqrt(2 / 64), (64, HIDDEN))
    last = rng.normal(0, np.sqrt(2 / (HIDDEN + 10)), (HIDDEN, 10))
    return SmallNetwork(first, last + np.reshape(shift, (-1, 1)))


def train_by_descent(network, x, classes, epochs=5, seed=0):
    """Train by plain stochastic gradient descent on the cross-entropy; the argument stays.

    Parameters
    ----------
    network : SmallNetwork
    x : ndarray, float (N, pixels)
    classes : ndarray, int (N,)
    epochs : int
    seed : int
        Of the order of the images.

    Returns
    -------
    SmallNetwork
    """
    first, last = network.first.copy(), network.last.copy()
    targets, rng = np.eye(last.shape[1])[classes], np.random.default_rng(seed)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), len(x) // BATCH_SIZE):
            h = np.maximum(x[rows] @ first, 0)
            error = (softmax(h @ last) - targets[rows]) / len(rows)
            back = (error @ last.T) * (h > 0)
            last -= RATE * h.T @ error
            first -= RATE * x[rows].T @ back
    return SmallNetwork(first, last)
