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

/** -log p(x|a) of one sample, nats; the mean of p, the picture to show; and what perfect pixels
 * would still pay. x and a are arrays of numbers. Formulas: nnscratch/likelihoods.py. */
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
