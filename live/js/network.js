// vgg19-mini in float32: weights, the way forward, and the way back to the pixels.

export const SIZE = 224; // pixels, VGG19's input
const BLOCKS = [[8, 2], [16, 2], [32, 4], [64, 4], [64, 4]]; // width, convolutions
const MEANS = [123.68, 116.779, 103.939]; // of red, green and blue, as in VGG19's preprocessing
export const CELLS = 7; // of the maps of block5_pool, in a row
export const CHANNELS = 64;
const UNITS = CELLS * CELLS * CHANNELS;
export const FEATURES = 512; // of the last hidden layer

/** Base64 to bytes. */
export function decodeBytes(text) {
  const characters = atob(text), bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** 16-bit floats, two bytes each, low byte first, to 32 bits: exact. */
export function decodeHalves(bytes) {
  const table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const exponent = (half >> 10) & 31, fraction = half & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    table[half] = half & 32768 ? -size : size;
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < floats.length; i++) floats[i] = table[halves[i]];
  return floats;
}

/**
 * The network in WebAssembly. `weights`: all of them in the order of the layers, kernel and bias,
 * float32; `classes`: how many.
 */
export class Network {
  constructor(code, weights, classes) {
    const module = new WebAssembly.Module(code);
    this.wasm = new WebAssembly.Instance(module, {}).exports;
    this.classes = classes;
    this._weights = weights;
    this._read = 0;
    this._zeros = this._reserve(CHANNELS);
    this.layers = [];
    let inputs = 3, size = SIZE;
    for (const [width, convolutions] of BLOCKS) {
      for (let i = 0; i < convolutions; i++) {
        this.layers.push(this._convolution(inputs, width, size));
        inputs = width;
      }
      this.layers.push(this._pooling(width, size));
      size /= 2;
    }
    this._input = this._reserve(cells(SIZE) * 4);
    const largest = cells(SIZE) * BLOCKS[0][0];
    this._gradients = [this._reserve(largest), this._reserve(largest)];
    this.fc1 = this._dense(UNITS, FEATURES);
    this.fc2 = this._dense(FEATURES, FEATURES);
    this.predictions = this._dense(FEATURES, classes);
    this._units = this._reserve(UNITS);
    this._unitGradients = this._reserve(UNITS);
  }

  /** The activations of block5_pool, (7, 7, 64), of RGB pixels in [0, 255], (224, 224, 3). */
  activations(pixels) {
    const input = this._floats(this._input, cells(SIZE) * 4);
    for (let y = 0, from = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++, from += 3) {
        const to = ((y + 1) * (SIZE + 2) + x + 1) * 4;
        for (let c = 0; c < 3; c++) input[to + 2 - c] = Math.fround(pixels[from + c]) - MEANS[c];
      }
    let from = this._input;
    for (const layer of this.layers) {
      const { size, inputs, width } = layer;
      if (layer.kernel)
        this.wasm.convolve(from, layer.kernel, layer.bias, layer.output, size, size, inputs, width, 1);
      else this.wasm.pool(from, layer.output, size, size, width);
      layer.source = from;
      from = layer.output;
    }
    return this._inside(from, CELLS, CHANNELS);
  }

  /** From a gradient at block5_pool to the RGB pixels, (224, 224, 3), of the last `activations`. */
  toPixels(gradient) {
    let [from, to] = this._gradients;
    this._putInside(from, gradient, CELLS, CHANNELS);
    for (const layer of [...this.layers].reverse()) {
      const { size, width, turned, inputs, output } = layer;
      if (turned) {
        this.wasm.mask(from, output, cells(size) * width);
        this.wasm.convolve(from, turned, this._zeros, to, size, size, width, inputs, 0);
      } else {
        this.wasm.unpool(from, layer.source, to, size, size, width);
        this._clearBorder(to, size, width);
      }
      [from, to] = [to, from];
    }
    const bgr = this._inside(from, SIZE, 4), rgb = new Float32Array(SIZE * SIZE * 3);
    for (let cell = 0; cell < SIZE * SIZE; cell++)
      for (let c = 0; c < 3; c++) rgb[3 * cell + c] = bgr[4 * cell + 2 - c];
    return rgb;
  }

  /** The logits, float64, of activations at block5_pool; `gradientOf` goes back from here. */
  logits(activations) {
    this._floats(this._units, UNITS).set(activations);
    const { fc1, fc2, predictions, wasm } = this;
    wasm.dense(this._units, fc1.matrix, fc1.bias, fc1.output, UNITS, FEATURES, 1);
    wasm.dense(fc1.output, fc2.matrix, fc2.bias, fc2.output, FEATURES, FEATURES, 1);
    wasm.dense(fc2.output, predictions.matrix, predictions.bias, predictions.output,
      FEATURES, this.classes, 0);
    return Float64Array.from(this._floats(predictions.output, this.classes));
  }

  /** The last hidden layer, (512,), at the last `logits`. */
  features() {
    return this._floats(this.fc2.output, FEATURES).slice();
  }

  /**
   * The gradient at block5_pool of sum(weights * logits) + sum(onFeatures * features), at the last
   * `logits`: (7, 7, 64).
   */
  gradientOf(weights, onFeatures = null) {
    const { fc1, fc2, predictions, wasm } = this;
    this._floats(predictions.gradient, this.classes).set(weights);
    wasm.denseBack(predictions.gradient, predictions.matrix, fc2.gradient, FEATURES, this.classes);
    if (onFeatures) {
      const gradient = this._floats(fc2.gradient, FEATURES);
      for (let i = 0; i < FEATURES; i++) gradient[i] += onFeatures[i];
    }
    wasm.mask(fc2.gradient, fc2.output, FEATURES);
    wasm.denseBack(fc2.gradient, fc2.matrix, fc1.gradient, FEATURES, FEATURES);
    wasm.mask(fc1.gradient, fc1.output, FEATURES);
    wasm.denseBack(fc1.gradient, fc1.matrix, this._unitGradients, UNITS, FEATURES);
    return this._floats(this._unitGradients, UNITS).slice();
  }

  /**
   * The mean over the cells of the gradients of the hidden units, at the last `logits`:
   * float64 (64, 512). Raising one channel in all cells at once gives their sum.
   */
  meanGradients() {
    const matrix = this._floats(this.fc1.matrix, UNITS * FEATURES);
    const next = this._floats(this.fc2.matrix, FEATURES * FEATURES);
    const on1 = this._floats(this.fc1.output, FEATURES).slice();
    const on2 = this._floats(this.fc2.output, FEATURES).slice();
    const result = new Float64Array(CHANNELS * FEATURES), raised = new Float64Array(FEATURES);
    for (let channel = 0; channel < CHANNELS; channel++) {
      raised.fill(0);
      for (let unit = channel; unit < UNITS; unit += CHANNELS)
        for (let j = 0; j < FEATURES; j++) raised[j] += matrix[unit * FEATURES + j];
      const row = result.subarray(channel * FEATURES, (channel + 1) * FEATURES);
      for (let j = 0; j < FEATURES; j++)
        if (on1[j] > 0) {
          const factor = raised[j] / (CELLS * CELLS);
          for (let k = 0; k < FEATURES; k++) row[k] += factor * next[j * FEATURES + k];
        }
      for (let k = 0; k < FEATURES; k++) if (!(on2[k] > 0)) row[k] = 0;
    }
    return result;
  }

  _convolution(inputs, width, size) {
    const padded = inputs + (-inputs & 3);
    const kernel = this._reserve(9 * padded * width), turned = this._reserve(9 * width * padded);
    const values = this._take(9 * inputs * width);
    const there = this._floats(kernel, 9 * padded * width);
    const back = this._floats(turned, 9 * width * padded);
    for (let tap = 0; tap < 9; tap++)
      for (let i = 0; i < inputs; i++)
        for (let o = 0; o < width; o++) {
          const value = values[(tap * inputs + i) * width + o];
          there[(tap * padded + i) * width + o] = value;
          back[((8 - tap) * width + o) * padded + i] = value;
        }
    const bias = this._put(this._take(width));
    return { kernel, turned, bias, output: this._reserve(cells(size) * width), size, inputs: padded, width };
  }

  _pooling(width, size) {
    return { output: this._reserve(cells(size / 2) * width), size, width };
  }

  _dense(inputs, outputs) {
    const matrix = this._put(this._take(inputs * outputs)), bias = this._put(this._take(outputs));
    return { matrix, bias, output: this._reserve(outputs), gradient: this._reserve(outputs) };
  }

  _take(count) {
    return this._weights.subarray(this._read, (this._read += count));
  }

  _put(values) {
    const start = this._reserve(values.length);
    this._floats(start, values.length).set(values);
    return start;
  }

  _reserve(count) {
    return this.wasm.allocate(4 * count);
  }

  _floats(start, count) { // memory moves when it grows: never keep one
    return new Float32Array(this.wasm.memory.buffer, start, count);
  }

  _inside(start, size, channels) {
    const map = this._floats(start, cells(size) * channels), row = size * channels;
    const inside = new Float32Array(size * row);
    for (let y = 0; y < size; y++) {
      const at = ((y + 1) * (size + 2) + 1) * channels;
      inside.set(map.subarray(at, at + row), y * row);
    }
    return inside;
  }

  _putInside(start, values, size, channels) {
    const map = this._floats(start, cells(size) * channels).fill(0), row = size * channels;
    for (let y = 0; y < size; y++)
      map.set(values.subarray(y * row, (y + 1) * row), ((y + 1) * (size + 2) + 1) * channels);
  }

  _clearBorder(start, size, channels) {
    const map = this._floats(start, cells(size) * channels), row = (size + 2) * channels;
    map.fill(0, 0, row).fill(0, (size + 1) * row);
    for (let y = 1; y <= size; y++)
      map.fill(0, y * row, y * row + channels).fill(0, (y + 1) * row - channels, (y + 1) * row);
  }
}

/** Cells of a map with its border. */
function cells(size) {
  return (size + 2) * (size + 2);
}
