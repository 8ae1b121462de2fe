// All maps of the live page's engine, for tests/test_live.py: job in, maps out, as JSON.

import { readFileSync } from "node:fs";
import { Explainer, gradientOfScore } from "../live/js/explainer.js";
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

const results = job.images.map(({ pixels, target, pattern }) => {
  const started = performance.now();
  explainer.setPixels(bytes(pixels));
  const point = explainer.point(target), maps = {};
  for (const method of POINT_METHODS)
    for (const score of SCORES)
      maps[`${method} ${score}`] = pointMap(method, gradientOfScore(score, point), explainer.activations);
  const seconds = { points: (performance.now() - started) / 1000 };
  const layer = last(explainer.integrate(target, false, job.tolerance, 1000));
  const [start, end] = [layer.points[0].values, layer.points.at(-1).values];
  for (const score of SCORES)
    maps[`rsi_grad_cam ${score}`] = rsiGradCam(layer.integral(score), start, end);
  seconds.rsi = (performance.now() - started) / 1000 - seconds.points;
  let alphas = layer.points.map((p) => p.alpha);
  if (job.pixels) {
    const down = last(explainer.integrate(target, true, Infinity, 1000));
    for (const score of SCORES) maps[`integrated_gradients ${score}`] = down.integral(score);
  }
  seconds.all = (performance.now() - started) / 1000;
  const vector = pattern && explainer.vectorForMap(target, pattern);
  for (const name in maps) maps[name] = Array.from(maps[name], (v) => Number(v.toPrecision(8)));
  return {
    maps, alphas, gap: layer.gap(), seconds, logits: Array.from(explainer.logits),
    vector: vector && Array.from(vector),
  };
});
console.log(JSON.stringify(results));
