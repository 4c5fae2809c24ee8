/* What the page is about: a picture x, its posterior, a code z. All else follows from it. */

import { arrayOf, networkOf, unpacked } from "./data.mjs";
import { run } from "./network.mjs";
import { LIKELIHOODS, normal } from "./functions.mjs";
import { levels } from "./drawing.mjs";

export const $ = id => document.getElementById(id);
export const model = JSON.parse($("model").textContent);
export const { noun, image, latents: L, classes, labels, conditional, variational } = model;
export const likelihood = LIKELIHOODS[model.likelihood.kind](model.likelihood.settings);
const axes = model.dimensions.slice(0, 2).map(({ index }) => index);
export const [first, second] = axes.sort((a, b) => a - b);

const parts = await unpacked($("block").textContent);
const network = layers => networkOf(parts, layers);
const [encoder, decoder] = [network(model.encoder), network(model.decoder)];
const [pcaEncoder, pcaDecoder] = [network(model.pca.encoder), network(model.pca.decoder)];
const images = arrayOf(parts, model.images).data, D = image[0] * image[1] * image[2];
export const N = images.length / D;
const rows = entry => {
  const { data, shape: [, width] } = arrayOf(parts, entry);
  return Array.from({ length: N }, (_, i) => data.subarray(i * width, (i + 1) * width));
};
export const means = rows(model.means), pcaCodes = rows(model.pca.codes);

export const state = {
  x: null,        // grey levels of the picture that everything is about
  index: 0,       // which of the samples it is, -1 of a drawing
  label: 0,       // what encoder and decoder are told, in a conditional model
  held: false,    // does x stay when the pointer moves on?
  mu: null, logvar: null,
  z: null, origin: "",
  draws: [],      // {z, nll} of each ε drawn for this x
  pcaCode: null,
  ends: null,     // the two codes of the path
};

/** A sample with its label appended to its channels, each constant, if the model is conditional. */
function withLabel({ shape, data }, label) {
  if (!conditional) return { shape, data };
  const each = data.length / shape[0], y = new Float64Array(data.length + conditional * each);
  y.set(data);
  y.fill(1, data.length + label * each, data.length + (label + 1) * each);
  return { shape: [shape[0] + conditional, ...shape.slice(1)], data: y };
}

export const unit = x => Float64Array.from(x, value => value / 255);
export const decode = (z, label = state.label) =>
  run(decoder, withLabel({ shape: model.code, data: z }, label)).data;
export const picture = (z, label) => levels(likelihood.mean(decode(z, label)));
export const pcaPicture = z => run(pcaDecoder, { shape: [z.length], data: z }).data;

let pending = 0, listener = () => {};
export const onChange = function_ => { listener = function_; };
export function changed() {
  pending ||= requestAnimationFrame(() => { pending = 0; listener(); });
}

/** Makes a picture the x that everything is about, and its mean code the z. */
export function choose(x, label, index) {
  const h = run(encoder, withLabel({ shape: model.input, data: unit(x) }, label)).data;
  Object.assign(state, { x, label, index, draws: [], mu: h.slice(0, L) });
  state.logvar = variational ? h.slice(L) : null;
  state.pcaCode = run(pcaEncoder, { shape: [D], data: unit(x) }).data;
  toMean();
}

export function chooseSample(index, held) {
  state.held = held;
  choose(images.subarray(index * D, (index + 1) * D), labels?.[index] ?? 0, index);
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
  state.draws.push({ z, nll: likelihood.nll(decode(z), unit(state.x)) });
  move(z, `draw ${state.draws.length} of μ + σ ε`);
}

export function release() {
  state.held = false;
  changed();
}
