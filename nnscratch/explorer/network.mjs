/* The layers, in JavaScript, for one sample at a time and forward only.
 *
 * A tensor is {shape, data}, row-major, without the batch's axis: an image is (C, H, W), a sequence
 * (T, D), a vector (D). Sums are in float64. The formulas are written from the docstrings in
 * nnscratch/layers/. Where this file, NumPy's definitions and the compiled kernels agree, three
 * have to be wrong in the same way. */

import { normalCdf, sigmoid, softplus } from "./functions.mjs";

const size = shape => shape.reduce((product, n) => product * n, 1);
const zeros = (...shape) => ({ shape, data: new Float64Array(size(shape)) });
const map = f => x => ({ shape: x.shape, data: x.data.map(f) });

/** The padding [before, after] with which I inputs have ⌈I/stride⌉ outputs. */
function samePadding(I, K, stride, dilation) {
  const missing = Math.max(0, (Math.ceil(I / stride) - 1) * stride + dilation * (K - 1) + 1 - I);
  return [Math.floor(missing / 2), Math.ceil(missing / 2)];
}

/** Visits all pairs of pixels that a filter's taps connect, a row at a time: pixel m of the row of
 * `few` that starts at a, first ≤ m < last, and pixel m·stride + shift of the row of `many` that
 * starts at b. A convolution goes from many to few pixels, its transpose from few to many. */
function eachRow(few, many, { weight, stride, before, dilation, groups }, visit) {
  const [F, H, W] = few, [, I, L] = many, [, C, KH, KW] = weight.shape;
  for (let f = 0; f < F; f++) for (let c = 0; c < C; c++) {
    const channel = Math.floor(f / (F / groups)) * C + c;
    for (let k = 0; k < KH; k++) for (let j = 0; j < KW; j++) {
      const w = weight.data[((f * C + c) * KH + k) * KW + j];
      const shift = j * dilation[1] - before[1];
      const first = Math.max(0, Math.ceil(-shift / stride[1]));
      const last = Math.min(W, Math.floor((L - 1 - shift) / stride[1]) + 1);
      for (let h = 0; h < H; h++) {
        const i = h * stride[0] + k * dilation[0] - before[0];
        if (i >= 0 && i < I) visit(w, (f * H + h) * W, (channel * I + i) * L + shift, first, last);
      }
    }
  }
}

function addBias(y, bias) {
  const each = y.data.length / y.shape[0];
  if (bias) y.data.forEach((_, i) => { y.data[i] += bias.data[Math.floor(i / each)]; });
  return y;
}

function Dense(x, { weight, bias }) {
  const [M, D] = weight.shape, y = zeros(M);
  for (let m = 0; m < M; m++) {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += weight.data[m * D + d] * x.data[d];
    y.data[m] = sum;
  }
  return addBias(y, bias);
}

function TiedDense(x, { weight, bias }) {
  const [M, D] = weight.shape, y = zeros(D);
  for (let m = 0; m < M; m++)
    for (let d = 0; d < D; d++) y.data[d] += weight.data[m * D + d] * x.data[m];
  return addBias(y, bias);
}

function Conv2d(x, layer) {
  const { weight, bias, stride, dilation, padding } = layer;
  const sides = [0, 1].map(a => padding === "same"
    ? samePadding(x.shape[a + 1], weight.shape[a + 2], stride[a], dilation[a]) : padding[a]);
  const [OH, OW] = [0, 1].map(a => Math.floor((x.shape[a + 1] + sides[a][0] + sides[a][1]
    - dilation[a] * (weight.shape[a + 2] - 1) - 1) / stride[a]) + 1);
  const y = zeros(weight.shape[0], OH, OW), step = stride[1], before = sides.map(([side]) => side);
  eachRow(y.shape, x.shape, { ...layer, before }, (w, a, b, first, last) => {
    for (let m = first; m < last; m++) y.data[a + m] += w * x.data[b + m * step];
  });
  return addBias(y, bias);
}

function ConvTranspose2d(x, layer) {
  const { weight, bias, stride, dilation, padding, groups } = layer;
  const [OH, OW] = [0, 1].map(a => (x.shape[a + 1] - 1) * stride[a] - padding[a][0] - padding[a][1]
    + dilation[a] * (weight.shape[a + 2] - 1) + 1 + layer.output_padding[a]);
  const y = zeros(weight.shape[1] * groups, OH, OW), step = stride[1];
  const before = padding.map(([side]) => side);
  eachRow(x.shape, y.shape, { ...layer, before }, (w, a, b, first, last) => {
    for (let m = first; m < last; m++) y.data[b + m * step] += w * x.data[a + m];
  });
  return addBias(y, bias);
}

/** (A, B) ↦ (B, A): the steps of a sequence become the pixels of its channels. */
function transposed({ shape: [A, B], data }) {
  return { shape: [B, A], data: data.map((_, i) => data[(i % A) * B + Math.floor(i / A)]) };
}

/** A layer of images as one of sequences (T, D): they are images of height 1 once their features
 * are the first axis. Its settings are those of images; weights (F, D, K) become (F, D, 1, K). */
const alongSteps = layer => (x, settings) => {
  const { weight } = settings, [T, D] = x.shape, image = { ...transposed(x), shape: [D, 1, T] };
  const filters = weight && { ...weight, shape: weight.shape.toSpliced(2, 0, 1) };
  const { shape: [F, , OT], data } = layer(image, { ...settings, weight: filters });
  return transposed({ shape: [F, OT], data });
};

/** Calls visit(y, place, values) for each window, with the pixels of x in it and how many places
 * it has, those of the padding among them. */
function eachWindow(x, { kernel, stride, padding, ceil }, visit) {
  const [C, ...sizes] = x.shape, [, W] = sizes;
  const [OH, OW] = sizes.map((I, a) => {
    const room = (I + 2 * padding[a] - kernel[a]) / stride[a];
    const O = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
    return ceil && (O - 1) * stride[a] >= I + padding[a] ? O - 1 : O;
  });
  const y = zeros(C, OH, OW);
  for (let c = 0; c < C; c++) for (let h = 0; h < OH; h++) for (let m = 0; m < OW; m++) {
    const from = [h * stride[0] - padding[0], m * stride[1] - padding[1]];
    const ends = sizes.map((I, a) => Math.min(from[a] + kernel[a], I + padding[a]));
    const values = [];
    for (let i = Math.max(0, from[0]); i < Math.min(ends[0], sizes[0]); i++)
      for (let l = Math.max(0, from[1]); l < Math.min(ends[1], sizes[1]); l++)
        values.push(x.data[(c * sizes[0] + i) * W + l]);
    visit(y, (c * OH + h) * OW + m, values, (ends[0] - from[0]) * (ends[1] - from[1]));
  }
  return y;
}

const sum = values => values.reduce((total, value) => total + value, 0);

function MaxPool2d(x, layer) {
  return eachWindow(x, layer, (y, at, values) => { y.data[at] = Math.max(...values); });
}

function AvgPool2d(x, layer) {
  return eachWindow(x, layer, (y, at, values, places) => {
    y.data[at] = sum(values) / (layer.count_include_pad ? places : values.length);
  });
}

function GlobalAvgPool2d({ shape: [C, H, W], data }) {
  const mean = (_, c) => sum(data.subarray(c * H * W, (c + 1) * H * W)) / (H * W);
  return { shape: [C], data: Float64Array.from({ length: C }, mean) };
}

/** y (C, H, W) of pixels value(c, h, m). */
function eachPixel(C, H, W, value) {
  const y = zeros(C, H, W);
  for (let c = 0; c < C; c++) for (let h = 0; h < H; h++) for (let m = 0; m < W; m++)
    y.data[(c * H + h) * W + m] = value(c, h, m);
  return y;
}

function UpsampleNearest2d({ shape: [C, H, W], data }, { scale: [SH, SW] }) {
  const at = (h, S) => Math.floor(h / S);
  return eachPixel(C, H * SH, W * SW, (c, h, m) => data[(c * H + at(h, SH)) * W + at(m, SW)]);
}

function UpsampleBilinear2d({ shape: [C, H, W], data }, { scale: [SH, SW] }) {
  const between = (h, S, I) => {  // the pixel before the place of h, the one after, their share
    const u = Math.min(Math.max((h + 0.5) / S - 0.5, 0), I - 1), i = Math.floor(u);
    return [i, Math.min(i + 1, I - 1), u - i];
  };
  return eachPixel(C, H * SH, W * SW, (c, h, m) => {
    const [i, k, s] = between(h, SH, H), [l, n, t] = between(m, SW, W);
    const pixel = (row, column) => data[(c * H + row) * W + column];
    return (1 - s) * ((1 - t) * pixel(i, l) + t * pixel(i, n))
      + s * ((1 - t) * pixel(k, l) + t * pixel(k, n));
  });
}

function PixelShuffle({ shape: [C, H, W], data }, { factor: r }) {
  return eachPixel(C / (r * r), H * r, W * r, (c, h, m) => {
    const channel = (c * r + h % r) * r + m % r;
    return data[(channel * H + Math.floor(h / r)) * W + Math.floor(m / r)];
  });
}

function ZeroPad2d({ shape: [C, H, W], data }, { padding: [[top, bottom], [left, right]] }) {
  const inside = (i, I) => i >= 0 && i < I;
  return eachPixel(C, top + H + bottom, left + W + right, (c, h, m) =>
    inside(h - top, H) && inside(m - left, W) ? data[(c * H + h - top) * W + m - left] : 0);
}

/** The channel of entry i: the second axis of a sequence, otherwise the first. */
function channelOf(shape, i) {
  return shape.length === 2 ? i % shape[1] : Math.floor(i / (size(shape) / shape[0]));
}

/** Subtracts the mean of each group of entries and divides by √(variance + eps). */
function standardised(x, groupOf, groups, eps) {
  const mean = new Float64Array(groups), variance = new Float64Array(groups);
  const count = x.data.length / groups, group = x.data.map((_, i) => groupOf(i));
  x.data.forEach((value, i) => { mean[group[i]] += value / count; });
  x.data.forEach((value, i) => { variance[group[i]] += (value - mean[group[i]]) ** 2 / count; });
  const at = (value, i) => (value - mean[group[i]]) / Math.sqrt(variance[group[i]] + eps);
  return { shape: x.shape, data: x.data.map(at) };
}

/** γ x + β, where entry i of x has the γ and β at place placeOf(i). */
function affine(x, { weight, bias }, placeOf) {
  if (!weight) return x;
  const at = (value, i) => weight.data[placeOf(i)] * value + bias.data[placeOf(i)];
  return { shape: x.shape, data: x.data.map(at) };
}

function BatchNorm(x, layer) {
  const channel = i => channelOf(x.shape, i), [m, v] = [layer.mean.data, layer.variance.data];
  const at = (value, i) => (value - m[channel(i)]) / Math.sqrt(v[channel(i)] + layer.eps);
  return affine({ shape: x.shape, data: x.data.map(at) }, layer, channel);
}

function LayerNorm(x, layer) {
  return affine(standardised(x, () => 0, 1, layer.eps), layer, i => i);
}

function GroupNorm(x, layer) {
  const { groups, channels, eps } = layer, channel = i => channelOf(x.shape, i);
  const group = i => Math.floor(channel(i) / (channels / groups));
  return affine(standardised(x, group, groups, eps), layer, channel);
}

/** Over the features: the first axis of a vector, the last of a sample with more. */
function Softmax(x) {
  const K = x.shape.at(-1), y = { shape: x.shape, data: x.data.slice() };
  for (let start = 0; start < y.data.length; start += K) {
    const row = y.data.subarray(start, start + K), most = row.reduce((a, b) => Math.max(a, b));
    const total = sum(row.map(value => Math.exp(value - most)));
    row.forEach((value, i) => { row[i] = Math.exp(value - most) / total; });
  }
  return y;
}

export const LAYERS = {
  Dense, TiedDense, Conv2d, ConvTranspose2d, MaxPool2d, AvgPool2d, GlobalAvgPool2d, PixelShuffle,
  UpsampleNearest2d, UpsampleBilinear2d, ZeroPad2d, BatchNorm, LayerNorm, GroupNorm, Softmax,
  Conv1d: alongSteps(Conv2d), ConvTranspose1d: alongSteps(ConvTranspose2d),
  UpsampleNearest1d: alongSteps(UpsampleNearest2d), ZeroPad1d: alongSteps(ZeroPad2d),
  Identity: x => x,
  Flatten: x => ({ shape: [x.data.length], data: x.data }),
  Reshape: (x, { shape }) => ({ shape, data: x.data }),
  ReLU: map(x => Math.max(x, 0)),
  LeakyReLU: (x, { slope }) => map(value => Math.max(value, slope * value))(x),
  ELU: (x, { alpha }) => map(value => value > 0 ? value : alpha * Math.expm1(value))(x),
  GELU: map(x => x * normalCdf(x)), Sigmoid: map(sigmoid),
  Softplus: map(softplus),
  Tanh: map(Math.tanh),
};

/** y = f_k(… f_1(x)): a network is a list of layers, each with its kind and its numbers. */
export function run(network, x) {
  return network.reduce((y, layer) => LAYERS[layer.kind](y, layer), x);
}
