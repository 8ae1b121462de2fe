"""A claim that a notebook states, checked where it is stated."""

import numpy as np


def check_equal(claim, left, right, tolerance):
    """Print that two sides of a claim are equal, or stop with an error.

    Parameters
    ----------
    claim : str
        What is compared, for the message.
    left, right : array_like
        Of one shape.
    tolerance : float
        Allowed difference, relative to the largest absolute value of `right`.

    Raises
    ------
    AssertionError
        If they differ by more, or hold values that are not finite.
    """
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if left.shape != right.shape:
        raise AssertionError(f"{claim}: shapes {left.shape} and {right.shape} differ")
    difference = np.abs(left - right).max() / np.abs(right).max()
    if not difference <= tolerance:
        raise AssertionError(f"{claim}: differ by {difference:.2g}, allowed is {tolerance:g}")
    print(f"{claim}: equal to {tolerance:g}")
