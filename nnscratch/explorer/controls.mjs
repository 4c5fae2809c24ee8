/* What each control does, and how the page begins. */

import { spherical, straight } from "./functions.mjs";
import { Pad, centred } from "./drawing.mjs";
import { ChartPad } from "./chart.mjs";
import { $, L, changed, choose, chooseSample, classes, conditional, draw, form } from "./state.mjs";
import { labels, model, move, noun, onChange, state, step, toMean } from "./state.mjs";
import { variational } from "./state.mjs";
import { colour, element, number, painted, pcaPlane, plane, show, showPath } from "./view.mjs";
import { subscript } from "./view.mjs";

const SLIDERS = 24;

// The digit and its code

$("draw").hidden = !variational;
$("draw").onclick = draw;
$("mean").onclick = toMean;
if (!variational) $("mean").firstChild.data = "back to its code ";
$("previous").onclick = () => step(-1);
$("next").onclick = () => step(1);
$("tiles").onchange = show;
for (const [label, name] of (labels ? classes.entries() : [])) {
  if (!labels.includes(label)) continue;
  const chip = element("button", { type: "button", textContent: name });
  chip.style.borderColor = colour(label);
  chip.setAttribute("aria-pressed", true);
  chip.onclick = () => {
    chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
    for (const each of [plane, pcaPlane]) each.redraw();
  };
  chip.dataset.label = label;
  $("classes").append(chip);
}
const off = label => `[data-label="${label}"][aria-pressed="false"]`;
plane.faded = pcaPlane.faded = i => $("classes").querySelector(off(labels?.[i])) !== null;

// The label, in a conditional model

if (conditional) {
  $("asked").hidden = document.querySelector(".ten").hidden = false;
  const option = (textContent, value) => element("option", { textContent, value });
  $("label").append(...classes.map(option));
  $("label").onchange = () => choose(state.x, Number($("label").value), state.index);
  const caption = textContent => element("figcaption", { textContent });
  $("ten").append(...classes.map(name => element("figure", {}, element("canvas"), caption(name))));
}

// A slider for each number of z

function slide(event) {
  const l = Number(event.target.dataset.index);
  move(state.z.map((value, k) => k === l ? Number(event.target.value) : value));
}

function addSliders(dimensions) {
  for (const { index, worth, low, high } of dimensions) {
    const settings = { min: low, max: high, step: (high - low) / 200, oninput: slide };
    const input = element("input", { type: "range", ...settings });
    input.dataset.index = index;
    const words = `${subscript(index)} · ${number(worth)}${variational ? " nats" : ""}`;
    $("sliders").append(element("label", { textContent: words }, element("span"), input));
  }
}

if (L > 2) {
  document.querySelector(".sliders").hidden = false;
  addSliders(model.dimensions.slice(0, SLIDERS));
  $("all").hidden = L <= SLIDERS;
  $("all").textContent = `all ${L}`;
  $("all").onclick = () => {
    addSliders(model.dimensions.slice(SLIDERS));
    $("all").hidden = true;
    show();
  };
}

// A sample of one's own

const chart = model.form.kind === "chart", grey = !chart && form.shape[0] === 1;
const rgb = () => [1, 3, 5].map(start => parseInt($("ink").value.slice(start, start + 2), 16));
$("ink-label").hidden = grey || chart;
$("centre").checked = model.inverted;
$("centre").parentElement.hidden = !grey;
const encodeOwn = () => {
  state.held = true;
  const own = $("centre").checked ? centred(pad.values, form.shape) : pad.values.slice();
  choose(own, state.label, -1);
};
const pad = chart ? new ChartPad($("pad"), form, encodeOwn)
  : new Pad($("pad"), form.shape, () => grey ? [255] : rgb(), encodeOwn);
$("centre").onchange = encodeOwn;
$("clear").onclick = () => {
  pad.set(form.empty());
  encodeOwn();
};
$("copy").onclick = () => pad.set(state.x);

// The path

function setEnd(k) {
  state.ends[k] = Float64Array.from(state.z);
  showPath();
  show();
}

const walk = () => {
  const t = Number($("t").value), way = $("straight").checked ? straight : spherical;
  move(way(...state.ends, t), `${number(t)} of the ${way.name} path`);
};
$("from").onclick = () => setEnd(0);
$("to").onclick = () => setEnd(1);
for (const id of ["t", "straight", "spherical"]) $(id).oninput = walk;

// The words, and the beginning

$("codes-hint").textContent = model.words.codes;
$("pca-hint").textContent = model.words.pca;
$("sliders-hint").textContent = model.words.sliders;
$("draw-title").textContent = model.words.draw;
$("draw-hint").textContent = model.words.hint;
$("pad").setAttribute("aria-label", model.words.draw);
$("clear").textContent = chart ? "set to the mean" : "clear";
for (const each of document.querySelectorAll(".of-pca")) each.textContent = model.pca.name;
$("notes").append(...model.words.notes.map(textContent => element("li", { textContent })));
for (const [id, words] of [["plane", "the plane of codes"], ["pca-plane", "PCA’s plane"]])
  $(id).setAttribute("aria-label", `${words}: arrows move the code, N and P go to another ${noun}`);
document.body.classList.toggle("ink-on-paper", model.inverted);
document.body.classList.toggle("charts", chart);
document.querySelector(".trio").hidden = chart;
document.querySelector(".overlay").hidden = !chart;
document.querySelector("main").hidden = false;

const other = labels ? Math.max(0, labels.findIndex(label => label !== labels[0])) : 1;
const ends = [0, other].map(index => {
  chooseSample(index, false);
  return Float64Array.from(state.mu);
});
chooseSample(0, false);
state.ends = ends;
onChange(show);
showPath();
for (const each of [plane, pcaPlane]) each.resize();
if (chart) {
  const redraw = () => { pad.show(); changed(); };
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  pad.set(state.x);
}
show();
document.body.dataset.ready = "true";
