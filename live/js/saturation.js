// What float32 leaves of 1 - y_c where softmax itself is differentiated:
// as xai_utils/study/saturation.py.

import { probabilities, scoreValue } from "./scores.js";

export const ROUNDINGS = ["to 1", "below 1"];
const SPACING_BELOW_ONE = 2 ** -24; // of float32

/** 1 - y_c by one of the two roundings that processors have. */
function roundedComplement(rounding, odds) {
  if (rounding === "to 1") return 1 - Math.fround(1 / Math.fround(1 + Math.exp(-odds)));
  return Math.max(1 - Math.fround(scoreValue("post", 0, odds)), SPACING_BELOW_ONE);
}

/** The weights of the logits' gradients in the gradient of y_c, as float32 has them. */
export function roundedWeights(rounding, logits, target, odds) {
  const complement = roundedComplement(rounding, odds);
  return Float64Array.from(probabilities(logits), (y, i) => (i === target ? complement : -y));
}
