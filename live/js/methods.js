// The five methods: as xai_utils/methods.py. Maps at block5_pool are Float32Array(49), >= 0.

import { CHANNELS } from "./network.js";

export const POINT_METHODS = ["grad_cam", "grad_cam_plus", "grad_cam_plus_plus"];

const relu = (x) => Math.max(x, 0);

/** Channel weights of the point methods, from a gradient and the activations, (7, 7, 64). */
const CHANNEL_WEIGHTS = {
  grad_cam: (gradient) => means(gradient),
  grad_cam_plus: (gradient) => means(gradient.map(relu)),
  grad_cam_plus_plus(gradient, activations) {
    const sums = means(activations).map((mean) => mean * (activations.length / CHANNELS));
    return sumsOf(gradient.map((g, i) => {
      const denominator = 2 + g * sums[i % CHANNELS];
      return g !== 0 && denominator !== 0 ? relu(g) / denominator : 0;
    }));
  },
};

/** The map of a point method: ReLU of the weighted sum of the activations. */
export function pointMap(method, gradient, activations) {
  const exact = Float64Array.from(gradient);
  return weightedSum(CHANNEL_WEIGHTS[method](exact, activations), activations);
}

/** RSI-Grad-CAM, "select": the integral where it, the activation and its change are positive. */
export function rsiGradCam(integral, start, end) {
  const kept = integral.map((r, i) => (end[i] > 0 && end[i] > start[i] ? relu(r) : 0));
  return weightedSum(means(kept), end);
}

function sumsOf(values) {
  const sums = new Float64Array(CHANNELS);
  values.forEach((value, i) => { sums[i % CHANNELS] += value; });
  return sums;
}

function means(values) {
  return sumsOf(values).map((sum) => sum / (values.length / CHANNELS));
}

function weightedSum(weights, activations) {
  const map = new Float32Array(activations.length / CHANNELS);
  for (let cell = 0; cell < map.length; cell++) {
    let sum = 0;
    for (let k = 0; k < CHANNELS; k++) sum += weights[k] * activations[cell * CHANNELS + k];
    map[cell] = relu(sum);
  }
  return map;
}
