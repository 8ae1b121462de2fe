// Riemann-Stieltjes sums along the straight path from black to the image, refined until
// completeness holds: as xai_utils/paths.py.

import { SCORES, negligibleChange, scoreFactor, scoreValue } from "./scores.js";

export const FIRST_STEPS = 16; // before anything is known about the path
const HALVED = 4; // intervals at once

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
 * A path that grows. Points are {alpha, logit, odds, values, ofLogit, ofOdds}. At the layer, values
 * are the activations; at the pixels they are null, since there they change evenly along the path,
 * and the gradients come multiplied with the whole change.
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
    const worst = this._worst().slice(0, Math.max(0, Math.min(HALVED, room)));
    return worst.map(([a, b]) => (a.alpha + b.alpha) / 2);
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
    const sum = new Float64Array(this.points[0].ofLogit.length), weights = this.weights(score);
    this.points.forEach((point, l) => {
      const gradient = gradientOf(score, point), { values } = point;
      if (values === null)
        for (let i = 0; i < sum.length; i++) sum[i] += gradient[i] * weights[l];
      else {
        const before = (this.points[l - 1] ?? point).values, factor = weight(score, point) / 2;
        const after = (this.points[l + 1] ?? point).values;
        for (let i = 0; i < sum.length; i++) sum[i] += gradient[i] * factor * (after[i] - before[i]);
      }
    });
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

  /** Intervals, the one to be halved first at the head: incomplete scores name theirs in turn. */
  _worst() {
    const intervals = this._intervals(), ranked = [];
    this.gaps().forEach((gap, i) => {
      const size = (interval) => Math.abs(this._error(...interval)[i]);
      if (!(gap <= this.tolerance)) ranked.push([...intervals].sort((p, q) => size(q) - size(p)));
    });
    return [...new Set(intervals.flatMap((_, rank) => ranked.map((order) => order[rank])))];
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
      const dots = [a, b].map((point) => dotsOf(point, a, b));
      this._errors.set(key, SCORES.map((score, i) => {
        const which = score === "pre" ? 0 : 1;
        const sum = weight(score, a) * dots[0][which] + weight(score, b) * dots[1][which];
        return (sum / 2 - change[i]) / this._whole[i];
      }));
    }
    return this._errors.get(key);
  }
}

/** The sums of a point's two gradients times the change of the values from a to b. */
function dotsOf(point, a, b) {
  const gradients = [point.ofLogit, point.ofOdds];
  if (a.values === null) {
    point.totals ??= gradients.map((gradient) => gradient.reduce((sum, g) => sum + g, 0));
    return point.totals.map((total) => total * (b.alpha - a.alpha));
  }
  return gradients.map((gradient) => {
    let sum = 0;
    for (let i = 0; i < gradient.length; i++) sum += gradient[i] * (b.values[i] - a.values[i]);
    return sum;
  });
}

/** 0, 1, 1/2, 1/4, 3/4, ...: equal steps, in an order in which each prefix makes a path. */
function halvings(steps) {
  const alphas = [0, 1];
  for (let parts = 2; parts <= steps; parts *= 2)
    for (let i = 1; i < parts; i += 2) alphas.push(i / parts);
  return alphas;
}
