// The page's second thread: all arithmetic, so that the page never freezes.

import { Explainer, PLAIN, gradientOfScore } from "./explainer.js";
import { POINT_METHODS, pointMap, rsiGradCam } from "./methods.js";
import { Network, decodeBytes, decodeHalves } from "./network.js";
import { ROUNDINGS, roundedWeights } from "./saturation.js";
import { SCORES } from "./scores.js";

const TOLERANCE = 0.01, MAX_STEPS = 400;
const REDRAW = 300, SHARE = 5; // milliseconds between two pictures of a path, or so many times its own
const CORNER = 10; // K of the authors’ sequel, as in notebook 5

let explainer, pathRun = 0;

/** Each takes a message and returns what is sent back; `path` sends by itself. */
const TASKS = {
  start({ code, weights, classes }) {
    const network = new Network(decodeBytes(code), decodeHalves(decodeBytes(weights)), classes);
    explainer = new Explainer(network);
    return {};
  },

  picture({ pixels }) {
    pathRun++;
    explainer.setPixels(pixels);
    return { logits: explainer.logits };
  },

  points({ target }) {
    const point = explainer.point(target), maps = {};
    for (const method of POINT_METHODS) maps[method] = mapsOf(method, point);
    return { target, maps, logit: point.logit, odds: point.odds };
  },

  /** t(x) added to every logit: `pattern`, (49,), is drawn into the map; null: the corner. */
  shift({ target, method, strength, pattern }) {
    const change = { ...PLAIN, strength };
    if (pattern) change.onFeatures = explainer.vectorForMap(target, pattern);
    else change.onCorner = CORNER;
    const point = explainer.point(target, change);
    const before = explainer.point(target);
    return {
      logits: point.logits, before: mapsOf(method, before), after: mapsOf(method, point),
      possible: !pattern || change.onFeatures !== null,
    };
  },

  /** All logits multiplied with a factor. */
  scale({ target, method, factor }) {
    const change = { ...PLAIN, temperature: 1 / factor };
    const point = explainer.point(target, change), naive = {};
    for (const rounding of ROUNDINGS) {
      const weights = roundedWeights(rounding, point.logits, target, point.odds);
      naive[rounding] = pointMap(method, explainer.gradientOf(weights, change), explainer.activations);
    }
    const plain = mapsOf(method, explainer.point(target));
    return { factor, odds: point.odds, plain, maps: mapsOf(method, point), naive };
  },

  /** RSI-Grad-CAM, or Integrated Gradients if `toPixels`. */
  async path({ target, toPixels }) {
    const run = ++pathRun;
    let path, next = 0;
    for (path of explainer.integrate(target, toPixels, TOLERANCE, MAX_STEPS)) {
      const start = performance.now();
      if (start > next) {
        self.postMessage({ type: "path", ...pathState(path, target, toPixels), done: false });
        next = start + Math.max(REDRAW, SHARE * (performance.now() - start));
      }
      await new Promise((resume) => setTimeout(resume));
      if (run !== pathRun) return null;
    }
    return { ...pathState(path, target, toPixels), done: true };
  },

  stop() {
    pathRun++;
    return null;
  },
};

function mapsOf(method, point) {
  return Object.fromEntries(SCORES.map((score) => [
    score, pointMap(method, gradientOfScore(score, point), explainer.activations)]));
}

function pathState(path, target, toPixels) {
  const [first, last] = [path.points[0], path.points.at(-1)];
  const maps = {}, weights = {};
  for (const score of SCORES) {
    const integral = path.integral(score);
    maps[score] = toPixels
      ? Float32Array.from(integral) : rsiGradCam(integral, first.values, last.values);
    weights[score] = path.weights(score);
  }
  const curve = path.points.map(({ alpha, logit, odds }) => ({ alpha, logit, odds }));
  return { target, toPixels, maps, gaps: path.gaps(), curve, weights };
}

self.onmessage = async ({ data: { type, ...message } }) => {
  try {
    const answer = await TASKS[type](message);
    if (answer) self.postMessage({ type, ...answer });
  } catch (error) {
    self.postMessage({ type: "failure", task: type, sentence: `${error.name}: ${error.message}` });
  }
};
