// The four scores of a class and their gradients, without losing digits at saturation:
// as xai_utils/scores.py.

export const SCORES = ["pre", "post", "log", "odds"];
const EPSILON = 2 ** -23, LAST_DIGITS = 16, FLOOR = 1e-6; // as negligible_change has them

/** log(1 + e^x) */
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Log of the sum of the exponentials, leaving out one index. */
function logSumExp(logits, without = -1) {
  let largest = -Infinity, sum = 0;
  logits.forEach((z, i) => { if (i !== without) largest = Math.max(largest, z); });
  logits.forEach((z, i) => { if (i !== without) sum += Math.exp(z - largest); });
  return largest + Math.log(sum);
}

export function probabilities(logits) {
  const total = logSumExp(logits);
  return Array.from(logits, (z) => Math.exp(z - total));
}

/** z_c minus the logarithm of the sum of exp over the other classes. */
export function logOdds(logits, target) {
  return logits[target] - logSumExp(logits, target);
}

/** The log-odds's gradient with respect to the logits: 1, and minus the shares of the others. */
export function oddsWeights(logits, target) {
  const total = logSumExp(logits, target);
  return Float64Array.from(logits, (z, i) => (i === target ? 1 : -Math.exp(z - total)));
}

export function oneHot(count, target) {
  const weights = new Float64Array(count);
  weights[target] = 1;
  return weights;
}

/** The score, from the target's logit and log-odds. */
export function scoreValue(score, logit, odds) {
  if (score === "pre") return logit;
  if (score === "post") return Math.exp(-softplus(-odds));
  return score === "log" ? -softplus(-odds) : odds;
}

/** What the gradient of the log-odds is multiplied with: dS/do of `post`, `log`, `odds`. */
export function scoreFactor(score, odds) {
  if (score === "odds") return 1;
  return score === "log" ? Math.exp(-softplus(odds)) : Math.exp(-softplus(odds) - softplus(-odds));
}

/** The change of a score that says nothing. `points`: {logit, odds}, where it is compared. */
export function negligibleChange(score, points) {
  const sizes = points.flatMap(({ logit, odds }) => [
    Math.abs(logit), score === "pre" ? 0 : Math.abs(logit - odds)]);
  const rounding = LAST_DIGITS * EPSILON * Math.max(...sizes);
  if (score === "pre" || score === "odds") return rounding;
  return Math.max(FLOOR, rounding * Math.max(...points.map((p) => scoreFactor(score, p.odds))));
}

/** Probability with the digits that tell it from 1: "0.73", "1 − 3e-9". */
export function formatProbability(odds) {
  const p = scoreValue("post", 0, odds);
  if (p <= 0.999) return p < 0.001 ? p.toExponential(0) : p.toPrecision(3);
  return `1 − ${Math.exp(-softplus(odds)).toExponential(0)}`;
}
