/* What is shown of the state: pictures, terms, planes, paths. */

import { gaussianKl, spherical, straight } from "./functions.mjs";
import { Plane } from "./plane.mjs";
import { $, L, N, chooseSample, classes, conditional, decode, draw, first } from "./state.mjs";
import { form, labels, likelihood, means, model, move, movePca, noun } from "./state.mjs";
import { pcaCodes, pcaPicture, picture, release, second, state, step } from "./state.mjs";
import { toMean, variational } from "./state.mjs";

const STEPS = 9, TILES = 15;
export const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
export const element = (name, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
};
export const subscript = l => `z${String(l + 1).replace(/\d/g, digit => "₀₁₂₃₄₅₆₇₈₉"[digit])}`;
export const colour = label => model.colours[label % model.colours.length];
const onPlane = z => [z[first], z[second] ?? 0];

// The planes

function onKey({ key, ctrlKey, metaKey, altKey }) {
  const act = {
    e: () => variational && draw(), m: toMean, n: () => step(1), p: () => step(-1), Escape: release,
  };
  const found = !ctrlKey && !metaKey && !altKey && act[key.length === 1 ? key.toLowerCase() : key];
  if (found) found();
  return Boolean(found);
}

const each = value => Array.from({ length: N }, (_, i) => value(labels?.[i]));
const heights = each(label => label === undefined ? 0 : (label + 0.5) / classes.length * 2 - 1);
const common = {
  marks: each(label => classes[label]?.length === 1 ? classes[label] : ""),
  colours: each(label => colour(label ?? 0)),
  onKey,
  onPoint(i, picked) { if (i >= 0 && (picked || !state.held)) chooseSample(i, picked); },
};
export const plane = new Plane($("plane"), {
  ...common, points: means.map(onPlane), prior: variational,
  names: model.dimensions.slice(0, 2).map((_, k) => subscript([first, second][k])),
  heights: L === 1 ? heights : null,
  onMove: (x, y) => move(state.z.map((value, l) => l === first ? x : l === second ? y : value)),
});
export const pcaPlane = new Plane($("pca-plane"), {
  ...common, points: pcaCodes.map(([x, y]) => [x, y ?? 0]), prior: false,
  names: ["PC₁", "PC₂"].slice(0, pcaCodes[0].length),
  heights: pcaCodes[0].length === 1 ? heights : null,
  onMove: (x, y) => movePca(state.pcaCode.map((value, k) => [x, y][k] ?? value)),
});

// Everything that follows the state

export function show() {
  const { x, z, mu, logvar, index } = state, target = form.numbers(x);
  const a = decode(z), linear = pcaPicture(state.pcaCode);
  const class_ = labels && index >= 0 ? `, class ${classes[labels[index]]}` : "";
  const whose = index < 0 ? model.words.whose : `${noun} ${index + 1}${class_}`;
  $("subject").textContent = `x: ${whose}`;
  showSample({ x: target, decoded: likelihood.mean(a), "by-pca": linear }, whose);
  const numbers = Array.from(z.subarray(0, 6), value => number(value)).join(", ");
  $("z").textContent = `z = (${numbers}${L > 6 ? ", …" : ""})`;
  $("z").dataset.value = JSON.stringify(Array.from(z));
  const held = state.held && index >= 0;
  $("origin").textContent = state.origin + (held ? "; x is held, Esc lets it go" : "");
  const { nll, floor, ofPicture } = likelihood;
  showTerms(nll(a, target), floor(target), ofPicture(linear, target));
  const sigma = logvar?.map(value => Math.exp(value / 2));
  plane.view = {
    cursor: onPlane(z), chosen: index,
    draws: state.draws.slice(-200).map(draw_ => onPlane(draw_.z)),
    ellipse: sigma ? { mu: onPlane(mu), sigma: onPlane(sigma) } : null,
    paths: [straight, spherical].map(way => along(way, 40).map(onPlane)),
  };
  const [across, up = 0] = state.pcaCode;
  Object.assign(pcaPlane.view, { cursor: [across, up], chosen: index });
  plane.draw();
  pcaPlane.draw();
  for (const input of $("sliders").querySelectorAll("input")) {
    input.value = z[input.dataset.index];
    input.previousElementSibling.textContent = number(z[input.dataset.index]);
  }
  [...$("ten").children].forEach((cell, label) => {
    paint(cell.firstChild, picture(z, label));
    cell.setAttribute("aria-current", label === state.label);
  });
  if (conditional) $("label").value = state.label;
  if (state.label !== pathLabel) showPath();
  showTiles();
}

/** The pictures side by side; or the curves, or bars, one over the other. */
function showSample(samples, whose) {
  if (form.draw) {
    const style = [["--quiet", 0.85, 4], ["--act", 0.45, 1.8], ["--pca", 0.15, 1.2, [4, 3]]];
    const series = Object.values(samples).map((values, k) => {
      const [colour, part, width, dash] = style[k];
      return { values, colour, part, width, dash };
    });
    form.draw($("chart"), series);
    $("chart").dataset.value = JSON.stringify(Array.from(samples.decoded));
    $("chart").setAttribute("aria-label", `x, what z decodes to, and PCA: ${whose}`);
    return;
  }
  for (const [id, values] of Object.entries(samples)) {
    paint($(id), values);
    $(id).setAttribute("aria-label", `${id}, ${whose}`);
  }
}

function showTerms(nll, floor, byPca) {
  const name = likelihood.name, rows = [["nll", `${name} of x given z`, nll]];
  if (variational) {
    const kl = state.mu.reduce((sum, mean, l) => sum + gaussianKl(mean, state.logvar[l]), 0);
    rows.push(["kl", "KL of q(z|x) from the prior", kl], ["sum", `${name} + KL`, nll + kl]);
  }
  rows.push(["floor", `floor: the least ${name} there is`, floor]);
  rows.push(["pca", `${name} of ${model.pca.name}`, byPca]);
  $("terms").tBodies[0].replaceChildren(...rows.map(([id, words, value]) => {
    const cell = element("td", { id: `term-${id}`, textContent: `${number(value)} nats` });
    cell.dataset.value = value;
    const className = ["floor", "pca"].includes(id) ? "other" : id;
    return element("tr", { className }, element("th", { textContent: words, scope: "row" }), cell);
  }));
  const nlls = state.draws.map(draw_ => draw_.nll), count = nlls.length;
  const mean = nlls.reduce((a, b) => a + b, 0) / count;
  const error = Math.sqrt(nlls.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (count - 1) / count);
  const words = `mean ${name} of ${count} draws: ${number(mean)} ± ${number(error)}`;
  $("draws").textContent = count > 1 ? words : "\u00a0";
}

// The plane decoded: a grid of pictures behind the marks, computed a few at a time

let tiled = "";
async function showTiles() {
  const z = state.z.map((value, l) => l === first || l === second ? 0 : value);
  const wanted = $("tiles").checked ? `${state.label}: ${z}` : "";
  if (wanted === tiled) return;
  tiled = wanted;
  const [W, H] = form.cell, rows = L === 1 ? 1 : TILES;
  const grid = new OffscreenCanvas(TILES * W, rows * H);
  const inverted = model.inverted && !matchMedia("(prefers-color-scheme: dark)").matches;
  for (let k = 0, since = performance.now(); wanted && k < TILES * rows; k++) {
    const [row, column] = [Math.floor(k / TILES), k % TILES];
    z[first] = plane.centre[0] + plane.half * ((2 * column + 1) / TILES - 1);
    if (L > 1) z[second] = plane.centre[1] - plane.half * ((2 * row + 1) / TILES - 1);
    form.stamp(grid.getContext("2d"), picture(z), column * W, row * H, inverted);
    if (performance.now() - since > 20) {
      await new Promise(requestAnimationFrame);
      if (wanted !== tiled) return;
      since = performance.now();
    }
  }
  plane.backdrop = wanted ? grid : null;
  plane.redraw();
}

// The path

export function along(way, count) {
  return Array.from({ length: count }, (_, k) => way(...state.ends, k / (count - 1)));
}

let pathLabel = 0;
export function showPath() {
  pathLabel = state.label;
  const [a, b] = state.ends, norm = z => number(Math.hypot(...z));
  const half = way => norm(way(a, b, 0.5));
  $("straight-hint").textContent =
    `straight: |z| is ${norm(a)} at first, ${half(straight)} halfway, ${norm(b)} at the end`;
  $("spherical-hint").textContent =
    `spherical, dashed in the plane: |z| is ${half(spherical)} halfway`;
  for (const way of [straight, spherical]) {
    const codes = along(way, STEPS);
    $(`${way.name}-strip`).replaceChildren(...codes.map((z, k) => {
      const words = `picture ${k + 1} of ${STEPS} on the ${way.name} path`;
      const onclick = () => move(z, words);
      const cell = element("button", { type: "button", onclick }, painted(picture(z)));
      cell.setAttribute("aria-label", words);
      return cell;
    }));
  }
  const [p, q] = [a, b].map(z => picture(z)), fade = k => straight(p, q, k / (STEPS - 1));
  const faded = (_, k) => element("figure", {}, painted(fade(k)));
  $("fade-strip").replaceChildren(...Array.from({ length: STEPS }, faded));
}

function painted(values) {
  const canvas = element("canvas");
  paint(canvas, values);
  return canvas;
}

/** Puts a sample on a canvas that is as large as a cell. */
function paint(canvas, values) {
  [canvas.width, canvas.height] = form.cell;
  form.stamp(canvas.getContext("2d"), values, 0, 0);
}
