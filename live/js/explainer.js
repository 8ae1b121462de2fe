// One photograph and what the network says of it: points, shifted logits, temperature, paths.

import { CELLS, CHANNELS, FEATURES, SIZE } from "./network.js";
import { Path } from "./paths.js";
import { logOdds, oddsWeights, oneHot, scoreFactor } from "./scores.js";

const RIDGE = 1e-5, ROUNDS = 100; // as vector_for_map has them

/** No shift and no scale: the network as it is. */
export const PLAIN = { temperature: 1, strength: 0, onFeatures: null, onCorner: 0 };

export class Explainer {
  constructor(network) {
    this.network = network;
  }

  /** RGB pixels in [0, 255], (224, 224, 3). */
  setPixels(pixels) {
    this.pixels = Float32Array.from(pixels);
    this.activations = this.network.activations(this.pixels);
    this.logits = this.network.logits(this.activations);
    this.features = this.network.features();
  }

  /** Logits of the changed network: divided by the temperature, t(x) added to each. */
  changedLogits(change = PLAIN) {
    let t = 0;
    if (change.onFeatures) this.features.forEach((h, i) => { t += h * change.onFeatures[i]; });
    if (change.onCorner)
      for (let k = 0; k < CHANNELS; k++) t += change.onCorner * this.activations[k];
    t *= change.strength;
    return this.logits.map((z) => Math.fround(z / change.temperature + t));
  }

  /** The gradient at block5_pool of a weighted sum of the changed network's logits. */
  gradientOf(weights, change = PLAIN) {
    this.network.logits(this.activations);
    let total = 0; // of the weights as float32 has them: what is left of t
    weights.forEach((w) => { total += Math.fround(w); });
    total *= change.strength;
    const gradient = this.network.gradientOf(
      weights.map((w) => w / change.temperature),
      change.onFeatures && change.onFeatures.map((v) => v * total),
    );
    if (change.onCorner)
      for (let k = 0; k < CHANNELS; k++) gradient[k] += change.onCorner * total;
    return gradient;
  }

  /** Logit, log-odds and their gradients at the image: all that the point methods need. */
  point(target, change = PLAIN) {
    const logits = this.changedLogits(change);
    return {
      logits,
      logit: logits[target],
      odds: logOdds(logits, target),
      ofLogit: this.gradientOf(oneHot(logits.length, target), change),
      ofOdds: this.gradientOf(oddsWeights(logits, target), change),
    };
  }

  /** A point of the path from black, with gradients at block5_pool or down to the pixels. */
  pathPoint(alpha, target, toPixels) {
    const { network } = this;
    const values = network.activations(this.pixels.map((pixel) => alpha * pixel));
    const logits = network.logits(values);
    let ofLogit = network.gradientOf(oneHot(logits.length, target));
    let ofOdds = network.gradientOf(oddsWeights(logits, target));
    if (toPixels) [ofLogit, ofOdds] = [ofLogit, ofOdds].map((g) => this._timesPixels(g));
    return {
      alpha, logit: logits[target], odds: logOdds(logits, target),
      values: toPixels ? null : values, ofLogit, ofOdds,
    };
  }

  /** The path, after each of its points. */
  *integrate(target, toPixels, tolerance, maxSteps) {
    const path = new Path(tolerance, maxSteps);
    for (let alphas = path.next(); alphas.length; alphas = path.next())
      for (const alpha of alphas) {
        path.add(this.pathPoint(alpha, target, toPixels));
        if (path.points.length > 1) yield path;
      }
  }

  /**
   * The vector that, added to every column of the last kernel, makes the pre-softmax Grad-CAM map
   * of this image a pattern, (49,), >= 0: as vector_for_map in xai_utils/study/equivalent.py.
   */
  vectorForMap(target, pattern) {
    const { network, activations } = this, count = CELLS * CELLS;
    network.logits(activations);
    const gradient = network.gradientOf(oneHot(this.logits.length, target));
    const weights = new Float64Array(CHANNELS);
    gradient.forEach((g, i) => { weights[i % CHANNELS] += g / count; });
    const own = new Float64Array(count), rows = [], mean = network.meanGradients();
    for (let cell = 0; cell < count; cell++) {
      const row = new Float64Array(FEATURES);
      for (let k = 0; k < CHANNELS; k++) {
        const a = activations[cell * CHANNELS + k];
        own[cell] += a * weights[k];
        if (a !== 0) for (let j = 0; j < FEATURES; j++) row[j] += a * mean[k * FEATURES + j];
      }
      rows.push(row);
    }
    const gram = rows.map((a) => rows.map((b) => product(a, b)));
    const largest = largestEigenvalue(gram);
    if (!(largest > 0)) return null;
    const ridged = gram.map((row, i) => row.map((g, j) => g + (i === j ? RIDGE * largest : 0)));
    const lower = cholesky(ridged);
    const brightness = Math.max(...own.map(Math.abs)) / Math.max(...pattern);
    const wanted = Float64Array.from(pattern, (p) => p * brightness);
    let goal = wanted, coefficients;
    for (let round = 0; round < ROUNDS; round++) {
      coefficients = solve(lower, goal.map((g, i) => g - own[i]));
      const reached = own.map((o, i) => o + product(gram[i], coefficients));
      goal = wanted.map((w, i) => (w > 0 ? w : Math.min(reached[i], 0)));
    }
    const vector = new Float64Array(FEATURES);
    rows.forEach((row, i) => row.forEach((r, j) => { vector[j] += r * coefficients[i]; }));
    return vector;
  }

  /** A gradient at block5_pool, carried to the pixels, times the pixels, summed over RGB. */
  _timesPixels(gradient) {
    const down = this.network.toPixels(gradient), sums = new Float32Array(SIZE * SIZE);
    down.forEach((g, i) => { sums[(i / 3) | 0] += g * this.pixels[i]; });
    return sums;
  }
}

/** Of a score, at a point: its gradient, through the logit's or the log-odds's. */
export function gradientOfScore(score, point) {
  if (score === "pre") return point.ofLogit;
  const factor = scoreFactor(score, point.odds);
  return point.ofOdds.map((g) => factor * g);
}

function product(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Of a symmetric matrix without negative eigenvalues, by power iteration. */
function largestEigenvalue(matrix) {
  let vector = new Float64Array(matrix.length).fill(1), value = 0;
  for (let i = 0; i < 200; i++) {
    const next = Float64Array.from(matrix, (row) => product(row, vector));
    value = Math.sqrt(product(next, next));
    if (value === 0) return 0;
    vector = next.map((x) => x / value);
  }
  return value;
}

function cholesky(matrix) {
  const lower = matrix.map((row) => new Float64Array(row.length));
  for (let i = 0; i < matrix.length; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      lower[i][j] = i === j ? Math.sqrt(sum) : sum / lower[j][j];
    }
  return lower;
}

function solve(lower, right) {
  const x = Float64Array.from(right);
  for (let i = 0; i < x.length; i++) {
    for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
    x[i] /= lower[i][i];
  }
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i] -= lower[k][i] * x[k];
    x[i] /= lower[i][i];
  }
  return x;
}
