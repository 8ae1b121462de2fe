// Riemann-Stieltjes sums along the straight path from black to the image, refined until
// completeness holds: as xai_utils/paths.py.

import { SCORES, negligibleChange, scoreFactor, scoreValue } from "./scores.js";

export const FIRST_STEPS = 16; // before anything is known about the path
const BATCH = 16; // intervals halved at once

/** What the gradients of logit and log-odds are multiplied with, for each score. */
function weight(score, point) {
  return score === "pre" ? 1 : scoreFactor(score, point.odds);
}

function gradientOf(score, point) {
  return score === "pre" ? point.ofLogit : point.ofOdds;
}

function changes(from, to) {
  return SCORES.map((s) => scoreValue(s, to.logit, to.odds) - scoreValue(s, from.logit, from.odds));
}

/**
 * A path that grows. Points are {alpha, logit, odds, values, ofLogit, ofOdds}: at the layer, values
 * and gradients; at the pixels, `values` is alpha alone and the gradients are multiplied with the
 * change of the pixels.
 */
export class Path {
  constructor(tolerance, maxSteps) {
    this.tolerance = tolerance;
    this.maxSteps = maxSteps;
    this.points = [];
    this._errors = new Map();
  }

  /** The positions to evaluate next; none if the path is complete or as long as it may be. */
  next() {
    if (this.points.length === 0) return halvings(FIRST_STEPS);
    const room = this.maxSteps - (this.points.length - 1);
    if (this.gap() <= this.tolerance || room <= 0) return [];
    const worst = this._intervals().map(([a, b]) => ({
      middle: (a.alpha + b.alpha) / 2,
      error: Math.max(...this._error(a, b).map(Math.abs)),
    }));
    worst.sort((p, q) => q.error - p.error);
    return worst.slice(0, Math.min(BATCH, room)).map((interval) => interval.middle);
  }

  add(point) {
    this.points.push(point);
    this.points.sort((a, b) => a.alpha - b.alpha);
    if (this.points.at(-1).alpha === 1 && this.points[0].alpha === 0) this._setWhole();
  }

  /** The largest of `gaps`. */
  gap() {
    return Math.max(...this.gaps());
  }

  /** For each score, how far the sum is from the change of the score, relative to that. */
  gaps() {
    const sums = SCORES.map(() => 0);
    for (const [a, b] of this._intervals())
      this._error(a, b).forEach((error, i) => { sums[i] += error; });
    return sums.map(Math.abs);
  }

  /** The sum of a score's gradient times the change of the values, unit by unit: float64. */
  integral(score) {
    const sum = new Float64Array(this.points[0].ofLogit.length);
    for (const [a, b] of this._intervals())
      for (const point of [a, b]) {
        const gradient = gradientOf(score, point), factor = weight(score, point) / 2;
        if (a.values.length === undefined) {
          const step = (b.alpha - a.alpha) * factor;
          for (let i = 0; i < sum.length; i++) sum[i] += gradient[i] * step;
        } else
          for (let i = 0; i < sum.length; i++)
            sum[i] += gradient[i] * factor * (b.values[i] - a.values[i]);
      }
    return sum;
  }

  /** For each point, the length of the path that it stands for times the slope of the score. */
  weights(score) {
    return this.points.map((point, i) => {
      const before = this.points[Math.max(i - 1, 0)].alpha;
      const after = this.points[Math.min(i + 1, this.points.length - 1)].alpha;
      return (weight(score, point) * (after - before)) / 2;
    });
  }

  _intervals() {
    return this.points.slice(1).map((point, i) => [this.points[i], point]);
  }

  _setWhole() {
    const ends = [this.points[0], this.points.at(-1)];
    this._whole = changes(...ends).map((change, i) => {
      const size = Math.abs(change);
      return size <= negligibleChange(SCORES[i], ends) ? Infinity : size;
    });
  }

  /** The error of the trapezoid rule on one interval, for each score, relative to the whole. */
  _error(a, b) {
    const key = `${a.alpha} ${b.alpha}`;
    if (!this._errors.has(key)) {
      const change = changes(a, b);
      const dots = [a, b].map((point) => [point.ofLogit, point.ofOdds].map((g) => dot(g, a, b)));
      this._errors.set(key, SCORES.map((score, i) => {
        const which = score === "pre" ? 0 : 1;
        const sum = weight(score, a) * dots[0][which] + weight(score, b) * dots[1][which];
        return (sum / 2 - change[i]) / this._whole[i];
      }));
    }
    return this._errors.get(key);
  }
}

/** Sum of a gradient times the change of the values from a to b. */
function dot(gradient, a, b) {
  let sum = 0;
  if (a.values.length === undefined) {
    for (let i = 0; i < gradient.length; i++) sum += gradient[i];
    return sum * (b.alpha - a.alpha);
  }
  for (let i = 0; i < gradient.length; i++) sum += gradient[i] * (b.values[i] - a.values[i]);
  return sum;
}

/** 0, 1, 1/2, 1/4, 3/4, ...: equal steps, in an order in which each prefix makes a path. */
function halvings(steps) {
  const alphas = [0, 1];
  for (let parts = 2; parts <= steps; parts *= 2)
    for (let i = 1; i < parts; i += 2) alphas.push(i / parts);
  return alphas;
}
