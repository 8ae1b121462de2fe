// All maps of the live page's engine, for tests/test_live.py: job in, maps out, as JSON.

import { readFileSync } from "node:fs";
import { difference } from "../live/js/draw.js";
import { Explainer, PLAIN, gradientOfScore } from "../live/js/explainer.js";
import { POINT_METHODS, pointMap, rsiGradCam } from "../live/js/methods.js";
import { Network, decodeHalves } from "../live/js/network.js";
import { SCORES } from "../live/js/scores.js";

const job = JSON.parse(readFileSync(0));
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const code = readFileSync(new URL("../live/engine/engine.wasm", import.meta.url));
const network = new Network(code, decodeHalves(bytes(job.weights)), job.classes);
const explainer = new Explainer(network);

function last(path) {
  let result;
  for (result of path);
  return result;
}

function explain({ pixels, target, tolerance, to_pixels, pattern }) {
  explainer.setPixels(bytes(pixels));
  const point = explainer.point(target), maps = {};
  const draw = (method, score, at = point) =>
    pointMap(method, gradientOfScore(score, at), explainer.activations);
  for (const method of POINT_METHODS)
    for (const score of SCORES) maps[`${method} ${score}`] = draw(method, score);
  const integrate = (name, most) => {
    const path = last(explainer.integrate(target, false, most, 1000));
    const [start, end] = [path.points[0].values, path.points.at(-1).values];
    for (const score of SCORES)
      maps[`${name} ${score}`] = rsiGradCam(path.integral(score), start, end);
    return { alphas: path.points.map((p) => p.alpha), gap: path.gap() };
  };
  integrate("rsi_grad_cam", Infinity);
  const result = tolerance ? integrate("refined", tolerance) : {};
  if (to_pixels) {
    const down = last(explainer.integrate(target, true, Infinity, 1000));
    for (const score of SCORES) maps[`integrated_gradients ${score}`] = down.integral(score);
  }
  if (pattern) {
    const onFeatures = explainer.vectorForMap(target, pattern);
    const changed = explainer.point(target, { ...PLAIN, strength: 1, onFeatures });
    result.vector = Array.from(onFeatures);
    result.moved = Object.fromEntries(SCORES.map((score) => [
      score, difference(draw("grad_cam", score), draw("grad_cam", score, changed))]));
  }
  for (const name in maps) maps[name] = Array.from(maps[name], (v) => Number(v.toPrecision(8)));
  return { maps, ...result };
}

console.log(JSON.stringify(job.images.map(explain)));
