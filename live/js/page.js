// What the reader sees and presses. All arithmetic is in the worker.

import { correlation, difference, largest, overlay, photograph, show, signed } from "./draw.js";
import { CELLS, decodeBytes } from "./network.js";
import { pixelsOf, readPicture } from "./picture.js";
import { SCORES, formatProbability, logOdds, probabilities, scoreValue } from "./scores.js";

const DATA = JSON.parse(document.getElementById("data").textContent);
const COLOURS = {
  positive: decodeBytes(DATA.colours.positive), signed: decodeBytes(DATA.colours.signed),
};
const LABELS = DATA.methods; // by name
const METHOD = "grad_cam"; // of the maps that sliders change
const RSI = "rsi_grad_cam", IG = "integrated_gradients";
const [ROW, TOP, WIDTH, DOTS] = [22, 200, 460, 290]; // of the drawing of the path, in its own units

const state = {
  pixels: null, // of the picture
  target: DATA.classes.indexOf(DATA.example),
  logits: null,
  preset: "Letter T",
  patterns: Object.fromEntries(Object.entries(DATA.patterns).map(([name, rows]) => [
    name, Array.from(rows.replaceAll(" ", ""), (cell) => Number(cell === "#"))])),
  maps: {}, // by method and score
  path: null, // the last that was drawn
};

const OLD_BROWSER =
  "This browser does not let the page compute: it needs WebAssembly with SIMD (Chrome 91, Firefox " +
  "89, Safari 16.4 or later). What is drawn here is the example.";

const $ = (id) => document.getElementById(id);
const slot = (name) => document.querySelector(`[data-slot="${name}"]`);

// ---- the worker ------------------------------------------------------------------------------

const source = new Blob([$("worker-code").textContent], { type: "text/javascript" });
const worker = startWorker();
const busy = new Set(), waiting = new Map();

function startWorker() {
  try {
    return new Worker(URL.createObjectURL(source));
  } catch (error) {
    tell(OLD_BROWSER, true);
    throw error;
  }
}

/** Sends a message; of several of one type that would wait, only the last is sent. */
function ask(type, message = {}) {
  if (busy.has(type)) return waiting.set(type, message);
  busy.add(type);
  worker.postMessage({ type, ...message });
}

worker.onmessage = ({ data: { type, ...answer } }) => {
  if (type === "failure")
    tell(answer.task === "start" ? OLD_BROWSER : `Stopped by ${answer.sentence}.`, true);
  else ANSWERS[type](answer);
  if (type !== "path") sendNext(type === "failure" ? answer.task : type);
};

function sendNext(type) {
  busy.delete(type);
  if (!waiting.has(type)) return;
  const message = waiting.get(type);
  waiting.delete(type);
  ask(type, message);
}

worker.onerror = () => tell(OLD_BROWSER, true);

function askPath(toPixels) {
  state.integrating = true;
  worker.postMessage({ type: "path", target: state.target, toPixels });
  $("integrate").disabled = true;
  $("stop").disabled = false;
}

const askShift = () => ask("shift", {
  target: state.target, method: METHOD, strength: Number($("strength").value),
  pattern: state.preset === CORNER ? null : state.patterns[state.preset],
});
const askScale = () => ask("scale", {
  target: state.target, method: METHOD, factor: 2 ** Number($("factor").value),
});

const ANSWERS = {
  start() {
    usePicture(state.pixels, state.target);
  },

  picture({ logits }) {
    state.logits = logits;
    if (state.target === null) state.target = logits.indexOf(Math.max(...logits));
    drawClasses(logits);
    explain(state.target);
  },

  points({ target, maps }) {
    if (target !== state.target) return;
    for (const method in maps) drawMaps(method, maps[method]);
    if (state.touched) sayMaps(); // the example's words are there, and tell of its paths too
    document.body.dataset.ready = `${state.name} ${target}`;
  },

  shift({ logits, before, after, possible }) {
    const moved = {};
    for (const score of SCORES) {
      moved[score] = difference(before[score], after[score]);
      show(within("shift", score), overlay(state.pixels, after[score], COLOURS.positive),
        `Grad-CAM, ${score}, ${state.preset} in every logit`, `moved by ${moved[score].toFixed(3)}`);
    }
    const y = [state.logits, logits].map(probabilities);
    const p = Math.max(...y[0].map((value, i) => Math.abs(value - y[1][i])));
    const t = logits[state.target] - state.logits[state.target];
    const others = Math.max(moved.post, moved.log, moved.odds);
    $("shift-words").textContent = !possible
      ? "Nothing can be drawn here: the last hidden layer has no gradient for this picture."
      : `With t = ${t.toFixed(1)} in every logit, pre moved by ${moved.pre.toFixed(2)} of its ` +
        `maximum; the other three by ${atMost(others)}. The probabilities changed by ${atMost(p)}.`;
    document.body.dataset.shift = `${state.preset} ${$("strength").value}`;
  },

  scale({ factor, odds, plain, maps, naive }) {
    const names = { odds: maps.odds, ...naive };
    const notes = [];
    for (const [name, map] of Object.entries(names)) {
      const r = correlation(map, maps.odds);
      if (name !== "odds") notes.push(Number.isNaN(r) ? "none (it is zero)" : r.toFixed(2));
      show(within("scale", name), overlay(state.pixels, map, COLOURS.positive),
        `Grad-CAM, ${name}`, name === "odds" ? "right" : `correlation ${notes.at(-1)}`);
    }
    const rows = $("maxima").querySelectorAll("tr");
    SCORES.forEach((score, i) => {
      const now = largest(maps[score]), then = largest(plain[score]);
      const length = now > 0 ? Math.min(100, Math.max(0, 80 + 5 * Math.log10(now / then))) : 0;
      rows[i].querySelector("i").style.width = `${length}%`;
      rows[i].lastElementChild.textContent = now.toExponential(1);
    });
    const post = largest(maps.post), ratio = post / largest(plain.post);
    $("scale-words").textContent =
      `With the logits times ${factor.toFixed(2)} the log-odds is ${odds.toFixed(1)} and the ` +
      `maximum of post ${post.toExponential(0)}, ${times(ratio)} what it was. ` +
      (notes.every((note) => note === "1.00")
        ? "The softmax in 32 bits still gives the right map, with both roundings."
        : "With the right map, the softmax in 32 bits keeps a correlation of " +
          `${notes.join(" or ")}.`);
    document.body.dataset.scale = $("factor").value;
  },

  path(answer) {
    if (answer.target !== state.target || !state.integrating) return;
    const method = answer.toPixels ? IG : RSI;
    drawMaps(method, answer.maps, answer.gaps);
    // the second path starts with few points, and is drawn when it has more than the first
    if (answer.curve.length >= (state.path?.curve.length ?? 0)) state.path = answer;
    drawPath();
    const gap = Math.max(...answer.gaps), points = answer.curve.length;
    $("progress").textContent =
      `${LABELS[method]}: ${points} points, completeness gap ${percent(gap)}`;
    if (!answer.done) return;
    sayMaps();
    state.done[method] = `${points} points, gap ${percent(gap)}`;
    if (!answer.toPixels) askPath(true);
    else finishPath(`RSI-Grad-CAM: ${state.done[RSI]}. Integrated Gradients: ${state.done[IG]}.`);
  },
};

// ---- picture and class -----------------------------------------------------------------------

function usePicture(pixels, target, name = state.name, size = "") {
  Object.assign(state, { pixels, target, name });
  show(slot("photo"), photograph(pixels), "The picture", `${size}as the network sees it: 224 × 224`);
  drawAlpha();
  tell("");
  ask("picture", { pixels });
}

async function useSample(name) {
  const image = new Image();
  image.src = DATA.samples[name];
  await image.decode();
  const known = DATA.classes.findIndex((label) => name.startsWith(label));
  return [pixelsOf(image, image.naturalWidth, image.naturalHeight), known, name];
}

async function useFile(file) {
  if (!file) return;
  try {
    const { pixels, width, height } = await readPicture(file);
    usePicture(pixels, null, file.name, `${width} × ${height} pixels, `);
  } catch (error) {
    tell(error.message, true);
  }
}

function explain(target) {
  state.target = target;
  state.maps = {};
  drawClasses(state.logits);
  ask("points", { target });
  askShift();
  askScale();
  emptyPaths();
  if (state.touched) startPaths();
}

function drawClasses(logits) {
  const shares = probabilities(logits);
  const rows = DATA.classes.map((name, i) => {
    const row = document.createElement("button");
    row.type = "button";
    row.setAttribute("aria-pressed", String(i === state.target));
    row.innerHTML = `<span>${name}</span><span class="bar"><i></i></span><span></span>`;
    row.querySelector("i").style.width = `${100 * shares[i]}%`;
    row.lastElementChild.textContent = formatProbability(logOdds(logits, i));
    row.onclick = () => {
      state.touched = true;
      explain(i);
      $("classes").children[i].focus();
    };
    return row;
  });
  $("classes").replaceChildren(...rows);
}

// ---- maps ------------------------------------------------------------------------------------

const within = (section, name) => $(section).querySelector(`[data-slot="${name}"]`);

function drawMaps(method, maps, gaps = null) {
  state.maps[method] = maps;
  SCORES.forEach((score, i) => {
    const map = maps[score];
    const rgba = method === IG
      ? signed(map, COLOURS.signed) : overlay(state.pixels, map, COLOURS.positive);
    const most = largest(map);
    const gap = gaps ? `, gap ${percent(gaps[i])}` : "";
    const note = (most === 0 ? "zero everywhere" : most.toExponential(1)) + gap;
    show(slot(`${method} ${score}`), rgba, `${LABELS[method]}, ${score}: ${note}`, note);
  });
}

function sayMaps() {
  const cam = state.maps[METHOD], rsi = state.maps[RSI];
  if (!cam) return;
  const apart = (score) => difference(cam[score], cam.odds);
  const empty = largest(cam.odds) === 0;
  const words = empty
    ? "The Grad-CAM map of the log-odds is zero everywhere: nothing seen speaks for this class."
    : `At one point post, log and odds have one Grad-CAM map: they differ by ` +
      `${atMost(Math.max(apart("post"), apart("log")))} of the maximum, and pre from them by ` +
      `${apart("pre").toFixed(2)}.`;
  const along = rsi && largest(rsi.post) > 0 && largest(rsi.odds) > 0
    ? ` Along a path they part: the RSI-Grad-CAM maps of post and odds differ by ` +
      `${difference(rsi.post, rsi.odds).toFixed(2)}.` : "";
  $("grid-words").textContent = words + along;
}

// ---- path ------------------------------------------------------------------------------------

function emptyPaths() {
  if (!state.touched) return; // the example is there already
  state.path = null;
  for (const part of $("curves").querySelectorAll("g, .now")) part.remove();
  $("path-words").textContent = "No point of the path to this picture is computed yet.";
  for (const method of [RSI, IG])
    for (const score of SCORES) {
      const cell = slot(`${method} ${score}`), empty = document.createElement("div");
      empty.className = "empty";
      cell.querySelector("img, canvas, .empty").replaceWith(empty);
      cell.querySelector("figcaption").textContent = "not yet";
    }
}

function startPaths() {
  state.done = {};
  askPath(false);
}

function finishPath(sentence) {
  state.integrating = false;
  $("integrate").disabled = false;
  $("stop").disabled = true;
  $("progress").textContent = sentence;
  document.body.dataset.paths = `${state.name} ${state.target}`;
}

function drawPath() {
  const { curve, weights } = state.path, alpha = Number($("alpha").value);
  const values = (score) => curve.map((p) => scoreValue(score, p.logit, p.odds));
  const parts = [$("curves").querySelector("svg").querySelectorAll(".axis, svg > text")];
  const drawn = [...parts[0]].map((part) => part.outerHTML);
  const shares = {}, middle = {};
  SCORES.forEach((score, row) => {
    const all = values(score), change = all.at(-1) - all[0], y = DOTS + ROW * row;
    const share = all.map((value) => (value - all[0]) / (change || 1));
    const points = curve.map((p, i) =>
      `${(WIDTH * p.alpha).toFixed(1)},${(TOP * (1 - Math.min(Math.max(share[i], -0.1), 1.2))).toFixed(1)}`);
    const most = Math.max(...weights[score]);
    const dots = curve.map((p, i) => `<circle class="dot" cx="${WIDTH * p.alpha}" cy="${y}" ` +
      `r="${(9 * Math.sqrt(weights[score][i] / most)).toFixed(2)}"/>`);
    drawn.push(`<g class="${score}"><polyline class="curve" points="${points.join(" ")}"/>` +
      `${dots.join("")}<text x="${WIDTH + 12}" y="${y + 4}">${score}</text></g>`);
    shares[score] = interpolate(curve, share, alpha);
    middle[score] = median(curve, weights[score]);
  });
  const x = WIDTH * alpha;
  drawn.push(`<path class="now" d="M${x} 0V${DOTS + ROW * 3.5}"/>`);
  $("curves").querySelector("svg").innerHTML = drawn.join("");
  const climbed = SCORES.map((score) => `${score} ${percent(shares[score])}`).join(", ");
  $("path-words").textContent =
    `At α = ${alpha.toFixed(2)} the scores have made of their change: ${climbed}. Half of the ` +
    `weight of post lies before α = ${middle.post.toFixed(2)}, half of that of log before ` +
    `${middle.log.toFixed(2)}; odds and pre weigh all parts of the path alike.`;
}

function interpolate(curve, values, alpha) {
  const after = Math.max(1, curve.findIndex((p) => p.alpha >= alpha));
  const [a, b] = [curve[after - 1].alpha, curve[after].alpha], part = (alpha - a) / (b - a);
  return values[after - 1] * (1 - part) + values[after] * part;
}

/** Where half of the weight is reached. */
function median(curve, weights) {
  const half = weights.reduce((sum, w) => sum + w, 0) / 2;
  let sum = 0;
  return curve.find((_, i) => (sum += weights[i]) >= half)?.alpha ?? 1;
}

function drawAlpha() {
  const alpha = Number($("alpha").value);
  $("alpha-value").textContent = alpha.toFixed(2);
  show(slot("path"), photograph(state.pixels, alpha), `The picture at α = ${alpha}`,
    `α = ${alpha.toFixed(2)}`);
}

function moveAlpha() {
  drawAlpha();
  if (state.path) drawPath();
  else if (!state.integrating) startPaths();
}

// ---- words -----------------------------------------------------------------------------------

const atMost = (value) => (value < 0.001 ? "less than 0.001" : value.toFixed(3));
const percent = (part) => `${(100 * part).toFixed(Math.abs(part) < 0.1 ? 1 : 0)} %`;
const times = (ratio) =>
  (ratio >= 0.1 && ratio < 1000 ? `${ratio.toFixed(ratio < 10 ? 1 : 0)} times`
    : `${ratio.toExponential(0)} times`);

function tell(sentence, problem = false) {
  $("status").textContent = sentence;
  $("status").classList.toggle("problem", problem);
}

// ---- controls --------------------------------------------------------------------------------

const CORNER = "The sequel's corner", OWN = "Your own";

function button(label, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.onclick = press;
  return made;
}

function choosePreset(name) {
  state.preset = name;
  for (const made of $("presets").children)
    made.setAttribute("aria-pressed", String(made.textContent === name));
  const pattern = state.patterns[name];
  [...$("board").children].forEach((made, i) =>
    made.setAttribute("aria-pressed", String(Boolean(pattern && pattern[i]))));
}

function setSlider(id, value) {
  $(id).value = value;
  $(id).dispatchEvent(new Event("input"));
}

function makePresets() {
  const nothing = button("Nothing", () => setSlider("strength", 0));
  const drawn = [CORNER, ...Object.keys(state.patterns)].map((name) =>
    button(name, () => { choosePreset(name); setSlider("strength", 1); }));
  $("presets").append(nothing, ...drawn);
  state.patterns[OWN] = new Array(CELLS * CELLS).fill(0);
  for (let i = 0; i < CELLS * CELLS; i++) {
    const made = button("", () => press(i));
    made.setAttribute("aria-label", `row ${Math.floor(i / CELLS) + 1}, column ${(i % CELLS) + 1}`);
    $("board").append(made);
  }
  choosePreset(state.preset);

  function press(i) {
    const own = [...(state.patterns[state.preset] ?? state.patterns[OWN])];
    own[i] = 1 - own[i];
    if (!own.includes(1)) return;
    state.patterns[OWN] = own;
    choosePreset(OWN);
    setSlider("strength", 1);
  }
}

function makeControls() {
  makePresets();
  $("factors").append(...[0.25, 0.5, 1, 2, 4].map((factor) =>
    button(`× ${factor}`, () => setSlider("factor", Math.log2(factor)))));
  $("places").append(...[0, 0.1, 0.25, 0.5, 1].map((alpha) =>
    button(`α = ${alpha}`, () => setSlider("alpha", alpha))));
  $("samples").append(...Object.entries(DATA.samples).map(([name, url]) => {
    const made = button("", async () => {
      state.touched = true;
      $("file").value = ""; // or its name would stay beside the sample
      const [pixels, known] = await useSample(name);
      usePicture(pixels, known < 0 ? null : known, name);
    });
    made.innerHTML = `<img src="${url}" alt="${name.replaceAll("_", " ")}" width="56" height="56">`;
    return made;
  }));
  $("strength").oninput = () => {
    $("strength-value").textContent = percent(Number($("strength").value));
    askShift();
  };
  $("factor").oninput = () => {
    $("factor-value").textContent = (2 ** Number($("factor").value)).toFixed(2);
    askScale();
  };
  $("alpha").oninput = moveAlpha;
  $("try").onclick = () => {
    choosePreset("Letter T");
    setSlider("strength", 1);
    $("h-shift").scrollIntoView();
  };
  $("integrate").onclick = startPaths;
  $("stop").onclick = () => {
    worker.postMessage({ type: "stop" });
    finishPath("Stopped: what is drawn is the path as far as it came.");
  };
}

function acceptFiles() {
  $("file").onchange = () => { state.touched = true; useFile($("file").files[0]); };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("dragging"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    state.touched = true;
    useFile(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      state.touched = true;
      useFile(event.clipboardData.files[0]);
    }
  });
}

document.addEventListener("weights", async () => {
  makeControls();
  acceptFiles();
  $("strength-value").textContent = "100 %";
  $("factor").value = 1;
  $("factor-value").textContent = "2.00";
  $("alpha-value").textContent = "1.00";
  const [pixels, , name] = await useSample(DATA.example);
  Object.assign(state, { pixels, name });
  ask("start", {
    code: $("engine").textContent, weights: $("weights").textContent, classes: DATA.classes.length,
  });
});
