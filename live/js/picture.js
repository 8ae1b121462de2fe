// From a file to the pixels that the network sees.

import { SIZE } from "./network.js";

const LARGEST = 16e6; // pixels of a canvas that phones still make

/** Any picture that the browser can show, upright, on white: its size, and (224, 224, 3) pixels. */
export async function readPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    const kind = file.type || "of unknown kind", size = `${Math.ceil(file.size / 1024)} KB`;
    throw new Error(
      `“${file.name || "The file"}” (${kind}, ${size}) cannot be read as a picture by this ` +
      "browser: it is damaged or of another kind. Save it as PNG or JPEG.");
  }
  const { width, height } = bitmap;
  return { pixels: pixelsOf(bitmap, width, height), width, height };
}

/** The pixels of something that can be drawn, at the size of the network's input. */
export function pixelsOf(drawable, width, height) {
  const scale = Math.min(1, Math.sqrt(LARGEST / (width * height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(drawable, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return resize(data, canvas.width, canvas.height);
}

/** RGBA to RGB of 224 x 224, with the triangle filter of Pillow's BILINEAR, rounded twice as there. */
export function resize(rgba, width, height) {
  const across = filter(width), down = filter(height);
  const rows = new Uint8ClampedArray(height * SIZE * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < SIZE; x++)
      for (let c = 0; c < 3; c++) {
        const { start, weights } = across[x];
        let sum = 0;
        for (let i = 0; i < weights.length; i++)
          sum += weights[i] * rgba[4 * (y * width + start + i) + c];
        rows[3 * (y * SIZE + x) + c] = sum;
      }
  const pixels = new Uint8ClampedArray(SIZE * SIZE * 3);
  for (let y = 0; y < SIZE; y++)
    for (let at = 0; at < SIZE * 3; at++) {
      const { start, weights } = down[y];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * rows[(start + i) * SIZE * 3 + at];
      pixels[y * SIZE * 3 + at] = sum;
    }
  return pixels;
}

/** For each of 224 places, the first of `size` pixels that it reads, and their weights. */
function filter(size) {
  const scale = size / SIZE, reach = Math.max(scale, 1);
  return Array.from({ length: SIZE }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(size, Math.trunc(centre + reach + 0.5));
    const weights = [];
    for (let i = start; i < end; i++)
      weights.push(Math.max(0, 1 - Math.abs((i - centre + 0.5) / reach)));
    const total = weights.reduce((sum, w) => sum + w, 0);
    return { start, weights: weights.map((w) => w / total) };
  });
}
