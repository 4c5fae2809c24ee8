/* What the page is about: a sample x, its posterior, a code z. All else follows from it. */

import { arrayOf, networkOf, unpacked } from "./data.mjs";
import { run } from "./network.mjs";
import { LIKELIHOODS, normal } from "./functions.mjs";
import { Picture } from "./drawing.mjs";
import { Chart } from "./chart.mjs";

export const $ = id => document.getElementById(id);
export const model = JSON.parse($("model").textContent);
export const { noun, latents: L, classes, labels, conditional, variational } = model;
export const form = new (model.form.kind === "image" ? Picture : Chart)(model.form);
export const likelihood = LIKELIHOODS[model.likelihood.kind](model.likelihood.settings);
const axes = model.dimensions.slice(0, 2).map(({ index }) => index);
export const [first, second] = axes.sort((a, b) => a - b);  // a code of one number has no second

const parts = await unpacked($("block").textContent);
const network = layers => networkOf(parts, layers);
const [encoder, decoder] = [network(model.encoder), network(model.decoder)];
const [pcaEncoder, pcaDecoder] = [network(model.pca.encoder), network(model.pca.decoder)];
const samples = arrayOf(parts, model.samples).data;
export const N = model.samples.shape[0];
const D = samples.length / N;
const rows = entry => {
  const { data, shape: [, width] } = arrayOf(parts, entry);
  return Array.from({ length: N }, (_, i) => data.subarray(i * width, (i + 1) * width));
};
export const means = rows(model.means), pcaCodes = rows(model.pca.codes);

export const state = {
  x: null,        // the sample that everything is about: a picture in bytes, or numbers
  index: 0,       // which of the samples it is, -1 of a drawing
  label: 0,       // what encoder and decoder are told, in a conditional model
  held: false,    // does x stay when the pointer moves on?
  mu: null, logvar: null,
  z: null, origin: "",
  draws: [],      // {z, nll} of each ε drawn for this x
  pcaCode: null,
  ends: null,     // the two codes of the path
};

/** A sample with its label appended to its channels, each constant, if the model is conditional.
 * The channels of a sequence (T, D) are its second axis. */
function withLabel({ shape, data }, label) {
  if (!conditional) return { shape, data };
  const axis = shape.length === 2 ? 1 : 0, steps = axis ? shape[0] : 1, more = shape.slice();
  more[axis] += conditional;
  const own = data.length / steps, each = own / shape[axis], all = each * more[axis];
  const y = new Float64Array(steps * all);
  for (let t = 0; t < steps; t++) {
    y.set(data.subarray(t * own, (t + 1) * own), t * all);
    y.fill(1, t * all + own + label * each, t * all + own + (label + 1) * each);
  }
  return { shape: more, data: y };
}

export const decode = (z, label = state.label) =>
  run(decoder, withLabel({ shape: model.code, data: z }, label)).data;
export const picture = (z, label) => likelihood.mean(decode(z, label));
export const pcaPicture = z => run(pcaDecoder, { shape: [z.length], data: z }).data;

let pending = 0, listener = () => {};
export const onChange = function_ => { listener = function_; };
export function changed() {
  pending ||= requestAnimationFrame(() => { pending = 0; listener(); });
}

/** Makes a sample the x that everything is about, and its mean code the z. */
export function choose(x, label, index) {
  const h = run(encoder, withLabel({ shape: model.input, data: form.numbers(x) }, label)).data;
  Object.assign(state, { x, label, index, draws: [], mu: h.slice(0, L) });
  state.logvar = variational ? h.slice(L) : null;
  state.pcaCode = run(pcaEncoder, { shape: [D], data: form.numbers(x) }).data;
  toMean();
}

export function chooseSample(index, held) {
  state.held = held;
  choose(samples.subarray(index * D, (index + 1) * D), labels?.[index] ?? 0, index);
}

export const step = by => chooseSample((Math.max(state.index, 0) + by + N) % N, true);

function place(z, origin) {
  Object.assign(state, { z: Float64Array.from(z), origin });
  changed();
}

export const toMean = () => place(state.mu, variational ? "the mean μ of q(z|x)" : "the code of x");

export function move(z, origin = "where you put it") {
  state.held = true;
  place(z, origin);
}

export function movePca(code) {
  Object.assign(state, { held: true, pcaCode: code });
  changed();
}

/** Draws z = μ + σ ε once more. */
export function draw() {
  const z = state.mu.map((mean, l) => mean + Math.exp(state.logvar[l] / 2) * normal());
  state.draws.push({ z, nll: likelihood.nll(decode(z), form.numbers(state.x)) });
  move(z, `draw ${state.draws.length} of μ + σ ε`);
}

export function release() {
  state.held = false;
  changed();
}
