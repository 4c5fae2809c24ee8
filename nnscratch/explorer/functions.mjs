/* What layers, terms and pictures compute of single numbers and of codes. */

/** The share of N(0, 1) below x: a series near 0, whose terms are all of one sign; farther out the
 * continued fraction of the tail, which keeps its digits however small it is. */
export function normalCdf(x) {
  const a = Math.abs(x), density = Math.exp(-a * a / 2) / Math.sqrt(2 * Math.PI);
  if (a < 3) {
    let term = x, total = x;
    for (let n = 3; n < 100; n += 2) total += (term *= x * x / n);
    return 0.5 + density * total;
  }
  let fraction = a;
  for (let n = 100; n > 0; n--) fraction = a + n / fraction;
  return x < 0 ? density / fraction : 1 - density / fraction;
}

export const sigmoid = x => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
export const softplus = x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** -log N(x; m, v), nats. */
const gaussianNll = (difference, logvar) =>
  (difference ** 2 * Math.exp(-logvar) + logvar + Math.log(2 * Math.PI)) / 2;

/** -log P(t) of a grey level t, as nnscratch/learned_scale.py has it. */
function levelNll(t, mean, logscale) {
  const h = 1 / 510, precision = Math.exp(-logscale), upper = t < 1 - h, lower = t > h;
  const u = (t + h - mean) * precision, l = (t - h - mean) * precision;
  const width = upper && lower ? Math.log(-Math.expm1(-2 * h * precision)) : 0;
  return (upper ? softplus(-u) : 0) + (lower ? softplus(l) : 0) - width;
}

/** log(least + eᵇ). */
const withFloor = (b, least) => Math.log(least) + softplus(b - Math.log(least));

/** The means and the scales of a decoder that returns both: `row` means, as many scales, … */
function halves(a, row) {
  const half = at => (_, i) => a[(2 * Math.floor(i / row) + at) * row + i % row];
  return [0, 1].map(at => Float64Array.from({ length: a.length / 2 }, half(at)));
}

/** -log p(x|a) of one sample, nats; the mean of p, the picture to show; -log p(x) of a picture by
 * PCA, which has the scale of its own errors where one is learned; and the least that x can cost.
 * x and a are arrays of numbers. Formulas: nnscratch/likelihoods.py and learned_scale.py. */
export const LIKELIHOODS = {
  Bernoulli: () => ({
    name: "BCE",
    mean: a => a.map(sigmoid),
    nll: (a, x) => total(x, (t, i) => softplus(a[i]) - t * a[i]),
    ofPicture: (p, x) => total(x, (t, i) => {  // clipped as evaluation/metrics.py does
      const q = Math.min(Math.max(p[i], 1e-3), 1 - 1e-3);
      return -t * Math.log(q) - (1 - t) * Math.log1p(-q);
    }),
    floor: x => total(x, t => t > 0 && t < 1 ? -t * Math.log(t) - (1 - t) * Math.log1p(-t) : 0),
  }),
  Gaussian: ({ variance: v }) => squares("−log density", 2 * v, Math.log(2 * Math.PI * v) / 2),
  SquaredError: () => squares("squared error", 1, 0),
  LearnedGaussian: ({ least, row, error }) => ({
    name: "−log density",
    mean: a => halves(a, row)[0],
    nll(a, x) {
      const [m, b] = halves(a, row);
      return total(x, (t, i) => gaussianNll(t - m[i], withFloor(b[i], least)));
    },
    ofPicture(p, x) {
      const logvar = Math.log(Math.max(error, least));
      return total(x, (t, i) => gaussianNll(t - p[i], logvar));
    },
    floor: x => x.length * gaussianNll(0, Math.log(least)),
  }),
  DiscretisedLogistic: ({ least, row, error }) => ({
    name: "−log P",
    mean(a) {  // ∫₀¹ P(X > x) dx
      const [m, b] = halves(a, row), s = b.map(value => Math.exp(withFloor(value, least)));
      return m.map((value, i) => s[i] * (softplus(value / s[i]) - softplus((value - 1) / s[i])));
    },
    nll(a, x) {
      const [m, b] = halves(a, row);
      return total(x, (t, i) => levelNll(t, m[i], withFloor(b[i], least)));
    },
    ofPicture(p, x) {  // a logistic variable of scale s has the variance s² π²/3
      const logscale = Math.log(Math.max(Math.sqrt(3 * error) / Math.PI, least));
      return total(x, (t, i) => levelNll(t, p[i], logscale));
    },
    floor: x => total(x, t => {  // for 0 and 1 the mean may lie far outside
      return t > 1 / 510 && t < 1 - 1 / 510 ? levelNll(t, t, Math.log(least)) : 0;
    }),
  }),
};

function squares(name, divisor, constant) {
  const nll = (a, x) => total(x, (t, i) => (a[i] - t) ** 2 / divisor + constant);
  return { name, mean: a => a, nll, ofPicture: nll, floor: x => x.length * constant };
}

function total(values, term) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += term(values[i], i);
  return sum;
}

/** KL(N(μ, σ²) ‖ N(0, 1)) = ½ (μ² + σ² - 1 - log σ²). */
export const gaussianKl = (mu, logvar) => (mu * mu + Math.expm1(logvar) - logvar) / 2;

/** (1 - t) a + t b. */
export const straight = (a, b, t) => a.map((value, l) => (1 - t) * value + t * b[l]);

/** The arc from a to b, for codes of N(0, I): sin((1-t)ω)/sin ω a + sin(tω)/sin ω b, ω their angle;
 * the straight line where they are (nearly) parallel. */
export function spherical(a, b, t) {
  const dot = (u, v) => total(u, (value, l) => value * v[l]);
  const norms = Math.sqrt(dot(a, a) * dot(b, b)) || 1;
  const omega = Math.acos(Math.min(Math.max(dot(a, b) / norms, -1), 1)), sine = Math.sin(omega);
  if (!(sine > 1e-4)) return straight(a, b, t);
  const [u, v] = [Math.sin((1 - t) * omega) / sine, Math.sin(t * omega) / sine];
  return a.map((value, l) => u * value + v * b[l]);
}

/** A draw from N(0, 1), by Box and Muller (1958). */
export function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
