r"""The four scores of a class and their gradients, without losing digits at saturation.

For logits :math:`z`, probabilities :math:`y = \mathrm{softmax}(z)` and a target class :math:`c`:

======== ============================ =========================================
name     score                        gradient
======== ============================ =========================================
``pre``  :math:`z_c`                  :math:`\partial z_c`
``post`` :math:`y_c = \sigma(o)`      :math:`\sigma(o)\,\sigma(-o)\,\partial o`
``log``  :math:`\log y_c`             :math:`\sigma(-o)\,\partial o`
``odds`` :math:`o`                    :math:`\partial o`
======== ============================ =========================================

where :math:`o = \log\frac{y_c}{1 - y_c} = z_c - \log\sum_{i \ne c} e^{z_i}` is the log-odds and
:math:`\sigma` the logistic function. Three of the four gradients are multiples of one.
Differentiating softmax itself gives the same numbers only as long as :math:`1 - y_c` survives
the rounding of :math:`y_c`; this form has nothing to subtract. Its limit is the range of 32-bit
numbers: from a log-odds of about 87 on, the gradients of ``post`` and ``log`` are zero in float32,
and that of ``odds`` is as before.
"""

import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice, list_names

SCORES = ("pre", "post", "log", "odds")

LAST_DIGITS = 16  # roundings of a logit that add up in a network
FLOOR = 1e-6  # a change of a probability, or of its logarithm, that is nothing


def check_score(score):
    """Raise ValueError unless `score` is one of SCORES."""
    check_choice("score", score, SCORES)


def ordered_scores(scores):
    """Some of SCORES in their order: tuple. Raises ValueError if there is another, or none."""
    chosen = [scores] if isinstance(scores, str) else list(scores)
    for score in chosen:
        check_score(score)
    if not chosen:
        raise ValueError(f"scores is empty; give at least one of {list_names(SCORES)}")
    return tuple(score for score in SCORES if score in chosen)


def logit_and_log_odds(logits, targets):
    """The target's logit and its log-odds against all other classes.

    Parameters
    ----------
    logits : tf.Tensor, float (N, classes)
    targets : tf.Tensor, int (N,)

    Returns
    -------
    logit, log_odds : tf.Tensor, float (N,)
    """
    is_target = tf.one_hot(targets, logits.shape[-1], on_value=True, off_value=False)
    logit = tf.gather(logits, targets, batch_dims=1)
    others = tf.where(is_target, tf.constant(-np.inf, logits.dtype), logits)
    return logit, logit - tf.reduce_logsumexp(others, axis=-1)


def score_value(score, logit, log_odds):
    """The score, from the target's logit and log-odds.

    Parameters
    ----------
    score : {"pre", "post", "log", "odds"}
    logit, log_odds : ndarray, float (...)

    Returns
    -------
    ndarray, float64 (...)
    """
    check_score(score)
    logit, log_odds = np.asarray(logit, np.float64), np.asarray(log_odds, np.float64)
    if score == "pre":
        return logit
    if score == "post":
        return np.exp(-np.logaddexp(0, -log_odds))
    if score == "log":
        return -np.logaddexp(0, -log_odds)
    return log_odds


def score_factor(score, log_odds):
    """What the gradient of the log-odds is multiplied with: dS/do of ``post``, ``log``, ``odds``.

    Parameters
    ----------
    score : {"post", "log", "odds"}
    log_odds : ndarray, float (...)

    Returns
    -------
    ndarray, float64 (...)
        In (0, 1].
    """
    check_choice("score that is a function of the log-odds", score, SCORES[1:])
    log_odds = np.asarray(log_odds, np.float64)
    if score == "odds":
        return np.ones_like(log_odds)
    log_complement = -np.logaddexp(0, log_odds)  # of 1 - y
    return np.exp(log_complement if score == "log" else log_complement - np.logaddexp(0, -log_odds))


def negligible_change(score, logit, log_odds):
    """The change of a score that says nothing: that of rounding, and for y and log y 1e-6.

    Parameters
    ----------
    score : {"pre", "post", "log", "odds"}
    logit, log_odds : ndarray, float (...)
        Of the target class, where the score is compared, in the precision of the network.

    Returns
    -------
    float
    """
    check_score(score)
    size = np.abs(logit).max()
    if score != "pre":  # the log-odds is a difference of two numbers
        size = max(size, np.abs(logit - log_odds).max())
    rounding = LAST_DIGITS * np.finfo(logit.dtype).eps * size
    if score in ("pre", "odds"):
        return float(rounding)
    return float(max(FLOOR, rounding * score_factor(score, log_odds).max()))
