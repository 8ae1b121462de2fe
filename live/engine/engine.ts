// The arithmetic of the network in float32, four numbers at a time (WebAssembly SIMD).
//
// Maps are stored with a border of zeros one cell wide: row by row, (height + 2) x (width + 2)
// cells of `channels` numbers. A 3 x 3 convolution then needs no special case at the edges, and
// runs over all cells as over one long row; what it writes into the border is set to zero again.

/** Memory for `bytes` bytes, set to zero; it is never given back. */
export function allocate(bytes: i32): usize {
  const start = heap.alloc(bytes);
  memory.fill(start, 0, bytes);
  return start;
}

/**
 * A 3 x 3 convolution with a border of zeros. Kernel: 9 x inputs x outputs numbers. `relu`: keep
 * what is positive. The input gradient of a convolution is the convolution with the kernel turned
 * around, so that this serves both ways. Inputs and outputs are multiples of 4.
 */
export function convolve(
  source: usize, kernel: usize, bias: usize, target: usize,
  height: i32, width: i32, inputs: i32, outputs: i32, relu: i32,
): void {
  const row = width + 2;
  const cells = height * row; // with the two border cells between one row and the next
  const first = row + 1;
  for (let block = 0; block < outputs; ) {
    if (outputs - block >= 8) {
      let cell = 0;
      for (; cell + 4 <= cells; cell += 4)
        tile4(source, kernel, bias, target, first + cell, row, inputs, outputs, block, relu);
      for (; cell < cells; cell++)
        tile1(source, kernel, bias, target, first + cell, row, inputs, outputs, block, relu);
      block += 8;
    } else {
      for (let cell = 0; cell < cells; cell++)
        narrow(source, kernel, bias, target, first + cell, row, inputs, outputs, block, relu);
      block += 4;
    }
  }
  clearBorder(target, height, width, outputs);
}

/** Eight outputs of four neighbouring cells. */
// @ts-ignore: decorator
@inline
function tile4(
  source: usize, kernel: usize, bias: usize, target: usize, cell: i32,
  row: i32, inputs: i32, outputs: i32, block: i32, relu: i32,
): void {
  const b = bias + (block << 2);
  let a0 = v128.load(b), a1 = v128.load(b, 16);
  let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
  const stride = inputs << 2;
  for (let tap = 0; tap < 9; tap++) {
    let w = kernel + ((tap * inputs * outputs + block) << 2);
    let x0 = source + (cell + (tap / 3 - 1) * row + (tap % 3) - 1) * stride;
    let x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
    const end = x1;
    for (; x0 < end; x0 += 4, x1 += 4, x2 += 4, x3 += 4, w += outputs << 2) {
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      let x = v128.load32_splat(x0);
      a0 = f32x4.add(a0, f32x4.mul(x, w0));
      a1 = f32x4.add(a1, f32x4.mul(x, w1));
      x = v128.load32_splat(x1);
      b0 = f32x4.add(b0, f32x4.mul(x, w0));
      b1 = f32x4.add(b1, f32x4.mul(x, w1));
      x = v128.load32_splat(x2);
      c0 = f32x4.add(c0, f32x4.mul(x, w0));
      c1 = f32x4.add(c1, f32x4.mul(x, w1));
      x = v128.load32_splat(x3);
      d0 = f32x4.add(d0, f32x4.mul(x, w0));
      d1 = f32x4.add(d1, f32x4.mul(x, w1));
    }
  }
  const step = outputs << 2;
  const t = target + ((cell * outputs + block) << 2);
  store(t, a0, a1, relu);
  store(t + step, b0, b1, relu);
  store(t + 2 * step, c0, c1, relu);
  store(t + 3 * step, d0, d1, relu);
}

/** Eight outputs of one cell. */
function tile1(
  source: usize, kernel: usize, bias: usize, target: usize, cell: i32,
  row: i32, inputs: i32, outputs: i32, block: i32, relu: i32,
): void {
  let a0 = v128.load(bias + (block << 2)), a1 = v128.load(bias + (block << 2), 16);
  for (let tap = 0; tap < 9; tap++) {
    let w = kernel + ((tap * inputs * outputs + block) << 2);
    let x = source + ((cell + (tap / 3 - 1) * row + (tap % 3) - 1) * inputs << 2);
    for (let i = 0; i < inputs; i++, x += 4, w += outputs << 2) {
      const value = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(value, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(value, v128.load(w, 16)));
    }
  }
  store(target + ((cell * outputs + block) << 2), a0, a1, relu);
}

/** Four outputs of one cell: what is left over, and the way back to the pixels. */
// @ts-ignore: decorator
@inline
function narrow(
  source: usize, kernel: usize, bias: usize, target: usize, cell: i32,
  row: i32, inputs: i32, outputs: i32, block: i32, relu: i32,
): void {
  let a = v128.load(bias + (block << 2));
  for (let tap = 0; tap < 9; tap++) {
    let w = kernel + ((tap * inputs * outputs + block) << 2);
    let x = source + ((cell + (tap / 3 - 1) * row + (tap % 3) - 1) * inputs << 2);
    for (let i = 0; i < inputs; i++, x += 4, w += outputs << 2)
      a = f32x4.add(a, f32x4.mul(v128.load32_splat(x), v128.load(w)));
  }
  if (relu) a = f32x4.max(a, f32x4.splat(0));
  v128.store(target + ((cell * outputs + block) << 2), a);
}

// @ts-ignore: decorator
@inline
function store(at: usize, low: v128, high: v128, relu: i32): void {
  if (relu) {
    low = f32x4.max(low, f32x4.splat(0));
    high = f32x4.max(high, f32x4.splat(0));
  }
  v128.store(at, low);
  v128.store(at, high, 16);
}

function clearBorder(map: usize, height: i32, width: i32, channels: i32): void {
  const cell = channels << 2, row = (width + 2) * cell;
  memory.fill(map, 0, row);
  for (let y = 1; y <= height; y++) {
    memory.fill(map + y * row, 0, cell);
    memory.fill(map + (y + 1) * row - cell, 0, cell);
  }
  memory.fill(map + (height + 1) * row, 0, row);
}

/** The largest of each 2 x 2 cells. Height and width are those of the source. */
export function pool(source: usize, target: usize, height: i32, width: i32, channels: i32): void {
  const cell = channels << 2, row = (width + 2) * cell, low = (width / 2 + 2) * cell;
  for (let y = 0; y < height / 2; y++)
    for (let x = 0; x < width / 2; x++) {
      const s = source + (2 * y + 1) * row + (2 * x + 1) * cell;
      const t = target + (y + 1) * low + (x + 1) * cell;
      for (let c = 0; c < cell; c += 16)
        v128.store(t + c, f32x4.max(
          f32x4.max(v128.load(s + c), v128.load(s + cell + c)),
          f32x4.max(v128.load(s + row + c), v128.load(s + row + cell + c)),
        ));
    }
}

/** The gradient of `pool`: to the first of the cells, row by row, that has the largest value. */
export function unpool(
  gradient: usize, source: usize, target: usize, height: i32, width: i32, channels: i32,
): void {
  const cell = channels << 2, row = (width + 2) * cell, low = (width / 2 + 2) * cell;
  for (let y = 0; y < height / 2; y++)
    for (let x = 0; x < width / 2; x++) {
      const at = (2 * y + 1) * row + (2 * x + 1) * cell;
      const g = gradient + (y + 1) * low + (x + 1) * cell;
      for (let c = 0; c < cell; c += 16) {
        const s = source + at + c, t = target + at + c;
        const s0 = v128.load(s), s1 = v128.load(s + cell);
        const s2 = v128.load(s + row), s3 = v128.load(s + row + cell);
        const largest = f32x4.max(f32x4.max(s0, s1), f32x4.max(s2, s3));
        let left = v128.load(g + c);
        const m0 = f32x4.eq(s0, largest);
        v128.store(t, v128.and(left, m0));
        left = v128.andnot(left, m0);
        const m1 = f32x4.eq(s1, largest);
        v128.store(t + cell, v128.and(left, m1));
        left = v128.andnot(left, m1);
        const m2 = f32x4.eq(s2, largest);
        v128.store(t + row, v128.and(left, m2));
        v128.store(t + row + cell, v128.andnot(left, m2));
      }
    }
}

/** The gradient of a ReLU, in place: zero where its output is not positive. */
export function mask(gradient: usize, output: usize, count: i32): void {
  for (let end = gradient + (count << 2); gradient < end; gradient += 16, output += 16)
    v128.store(gradient, v128.and(
      v128.load(gradient), f32x4.gt(v128.load(output), f32x4.splat(0)),
    ));
}

/** target = bias + source x matrix, with matrix (inputs, outputs); outputs a multiple of 4. */
export function dense(
  source: usize, matrix: usize, bias: usize, target: usize, inputs: i32, outputs: i32, relu: i32,
): void {
  const bytes = outputs << 2;
  memory.copy(target, bias, bytes);
  for (let i = 0; i < inputs; i++) {
    const value = f32.load(source + (i << 2));
    if (value == 0) continue;
    const x = f32x4.splat(value), row = matrix + i * bytes;
    for (let o = 0; o < bytes; o += 16)
      v128.store(target + o, f32x4.add(v128.load(target + o), f32x4.mul(x, v128.load(row + o))));
  }
  if (relu)
    for (let o = 0; o < bytes; o += 16)
      v128.store(target + o, f32x4.max(v128.load(target + o), f32x4.splat(0)));
}

/** The gradient of `dense`: target = matrix x gradient. */
export function denseBack(
  gradient: usize, matrix: usize, target: usize, inputs: i32, outputs: i32,
): void {
  const bytes = outputs << 2;
  for (let i = 0; i < inputs; i++) {
    const row = matrix + i * bytes;
    let sum = f32x4.splat(0);
    for (let o = 0; o < bytes; o += 16)
      sum = f32x4.add(sum, f32x4.mul(v128.load(gradient + o), v128.load(row + o)));
    f32.store(target + (i << 2),
      f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1)
      + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
  }
}
