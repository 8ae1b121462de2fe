// Maps as colours on a canvas: as xai_utils/heatmaps.py and figures.py.

import { CELLS, SIZE } from "./network.js";

const OPACITY = 0.6, SIGNED_PERCENTILE = 99.5;

export function largest(map) {
  return map.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

export function normalise(map) {
  const most = largest(map);
  return most === 0 ? map : map.map((value) => value / most);
}

/** The largest difference of two maps, each divided by its maximum. */
export function difference(a, b) {
  const other = normalise(b);
  return largest(normalise(a).map((value, i) => value - other[i]));
}

/** Pearson's correlation; NaN if one is constant. */
export function correlation(a, b) {
  const mean = (v) => v.reduce((sum, x) => sum + x, 0) / v.length;
  const [p, q] = [mean(a), mean(b)];
  let ab = 0, aa = 0, bb = 0;
  a.forEach((x, i) => {
    ab += (x - p) * (b[i] - q);
    aa += (x - p) ** 2;
    bb += (b[i] - q) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}

/** A map of 7 x 7 cells, bilinearly, at every pixel. */
function enlarge(map) {
  const values = new Float32Array(SIZE * SIZE), places = [];
  for (let i = 0; i < SIZE; i++) {
    const at = Math.min(Math.max(((i + 0.5) * CELLS) / SIZE - 0.5, 0), CELLS - 1);
    const low = Math.min(Math.floor(at), CELLS - 2);
    places.push([low, at - low]);
  }
  places.forEach(([top, down], y) => places.forEach(([left, right], x) => {
    const at = top * CELLS + left;
    const above = map[at] * (1 - right) + map[at + 1] * right;
    const below = map[at + CELLS] * (1 - right) + map[at + CELLS + 1] * right;
    values[y * SIZE + x] = above * (1 - down) + below * down;
  }));
  return values;
}

/** A map >= 0 in colours over the grey image: RGBA. `colours`: 256 x RGB. */
export function overlay(pixels, map, colours) {
  const values = normalise(enlarge(map)), rgba = new Uint8ClampedArray(SIZE * SIZE * 4);
  values.forEach((value, i) => {
    const [r, g, b] = pixels.subarray(3 * i, 3 * i + 3);
    const grey = Math.round(0.299 * r + 0.587 * g + 0.114 * b), weight = OPACITY * value;
    const colour = 3 * Math.min(255, Math.floor(value * 256));
    for (let c = 0; c < 3; c++)
      rgba[4 * i + c] = (1 - weight) * grey + weight * colours[colour + c];
    rgba[4 * i + 3] = 255;
  });
  return rgba;
}

/** A signed map at every pixel, clipped where its largest values would leave the rest white. */
export function signed(map, colours) {
  const sizes = map.map(Math.abs).filter((value) => value > 0).sort();
  const limit = sizes[Math.floor((sizes.length - 1) * (SIGNED_PERCENTILE / 100))] || 1;
  const rgba = new Uint8ClampedArray(SIZE * SIZE * 4);
  map.forEach((value, i) => {
    const part = Math.min(Math.max((value / limit + 1) / 2, 0), 1);
    const colour = 3 * Math.min(255, Math.floor(part * 256));
    rgba.set([colours[colour], colours[colour + 1], colours[colour + 2], 255], 4 * i);
  });
  return rgba;
}

/** The picture, darkened to a part of itself. */
export function photograph(pixels, part = 1) {
  const rgba = new Uint8ClampedArray(SIZE * SIZE * 4).fill(255);
  for (let i = 0; i < SIZE * SIZE; i++)
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = part * pixels[3 * i + c];
  return rgba;
}

/** Put a picture in the place of what a cell shows, with its text and the note below. */
export function show(cell, rgba, alt, note) {
  let canvas = cell.querySelector("canvas");
  if (!canvas) {
    canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIZE;
    canvas.setAttribute("role", "img");
    cell.querySelector("img, .empty").replaceWith(canvas);
  }
  canvas.setAttribute("aria-label", alt);
  canvas.getContext("2d").putImageData(new ImageData(rgba, SIZE, SIZE), 0, 0);
  cell.querySelector("figcaption").textContent = note;
}
