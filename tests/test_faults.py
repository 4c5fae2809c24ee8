"""Would the tests notice? Faults planted in the library itself, and the check that convicts each.

A fault is a change of text. The changed source is run as a new module, the file stays as it is; the
check is one that the ordinary tests run on the real module. Every check must pass on the source as
it is, and fail on it as changed.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import checks.activations
import checks.contractive
import checks.conv
import checks.conv_transpose
import checks.core
import checks.dataset
import checks.dense
import checks.draws
import checks.exponential
import checks.fusion
import checks.initializers
import checks.latent
import checks.losses
import checks.norm
import checks.optimizers
import checks.pool
import checks.products
import checks.recurrent
import checks.sampling
import checks.sequential
import checks.tied
import checks.upsample
import numpy as np
import pytest
from checks.planting import CONVICTED, Check, on_trial, source_as_module

import nnscratch

pytestmark = pytest.mark.plain

SHAPE, SEED = (3, 4), 0

Fault = tuple[str, dict[str, str], Check, tuple[Any, ...]]
OF_DENSE: tuple[Check, Any] = (checks.dense.check_gradient, (3, 3, 2, True, SEED))
OF_TIED: tuple[Check, Any] = (checks.tied.check_gradient, (3, 2, 2, SEED))
OF_CONTRACTION: tuple[Check, Any] = (checks.contractive.check_penalty_gradient, (3, 2, 2, SEED))
OF_OBJECTIVE: tuple[Check, Any] = (checks.contractive.check_objective_gradient, ())
OF_PRODUCTS: tuple[Check, Any] = (checks.products.check_products_add_up, ())
OF_BIAS: tuple[Check, Any] = (checks.products.check_bias, ())
OF_PRODUCT: tuple[Check, Any] = (checks.products.check_layouts, ())
OF_BLOCKS: tuple[Check, Any] = (checks.products.check_blocks, ())
OF_TILE: tuple[Check, Any] = (checks.products.check_tile, ())
OF_ADAM: tuple[Check, Any] = (checks.optimizers.check_formula, ("Adam",))
OF_CLIPPING: tuple[Check, Any] = (checks.optimizers.check_clipped, ())
OF_BYTES: tuple[Check, Any] = (checks.dataset.check_columns, ())
OF_EXP: tuple[Check, Any] = (checks.exponential.check_digits, (np.float64,))
OF_SIGMOID: tuple[Check, Any] = (checks.exponential.check_sigmoid, (np.float64,))
OF_TANH: tuple[Check, Any] = (checks.exponential.check_tanh, (np.float64,))
OF_DRAWS: tuple[Check, Any] = (checks.draws.check_draws, ())
OF_SUMS: tuple[Check, Any] = (checks.draws.check_sums, ())
OF_SCALED: tuple[Check, Any] = (checks.draws.check_scaled, ())
OF_NORM: tuple[Check, Any] = (checks.norm.check_kernels, ("GroupNorm", 7, (3, 5), np.float64))
OF_CONV: tuple[Check, Any] = (checks.conv.check_convolution, ())
OF_TURNED: tuple[Check, Any] = (checks.conv_transpose.check_transposed, ())
OF_CODEBOOK: tuple[Check, Any] = (checks.latent.check_codebook_error, ())
OF_MMD: tuple[Check, Any] = (checks.latent.check_mmd, (2, 4, SEED))
OF_PARTS: tuple[Check, Any] = (checks.latent.check_parts, (2, 3, SEED))
OF_MIXTURE: tuple[Check, Any] = (checks.latent.check_mixture, (2, 3, 4, SEED))
OF_AVERAGES: tuple[Check, Any] = (checks.latent.check_averages, (2, SEED))
OF_REVIVAL: tuple[Check, Any] = (checks.latent.check_revival, (0.9,))
OF_FUSION: tuple[Check, Any] = (checks.fusion.check_fusion, ())
OF_MAX: tuple[Check, Any] = (checks.pool.check_max_pool, ())
OF_MEAN: tuple[Check, Any] = (checks.pool.check_mean, ())
OF_UPSAMPLING: tuple[Check, Any] = (checks.upsample.check_upsampling, ())
NEED_DX: tuple[Check, Any] = (checks.sequential.check_need_dx, ())


def of_layer(name: str) -> tuple[Check, Any]:
    return checks.activations.check_gradient, (name, SHAPE, SEED)


def of_recurrent(what: str, kind: str) -> tuple[Check, Any]:
    return getattr(checks.recurrent, f"check_{what}"), (kind,)


def of_loss(name: str) -> tuple[Check, Any]:
    return checks.losses.check_gradient, (name, SHAPE, SEED)


def moments(name: str) -> tuple[Check, Any]:
    return checks.initializers.check_moments, (name,)


def steps_of(name: str) -> tuple[Check, Any]:
    return checks.optimizers.check_formula, (name,)


def defined(name: str) -> tuple[Check, Any]:
    return checks.activations.check_definition, (name,)


DW = "add_matmul(w, dy, x.T, b)"
DB = "b is None or b.grad.__iadd__(dy.sum(axis=1))"
SIGMA_IS_VARIANCE = {"np.exp(logvar / 2)": "np.exp(logvar)", "dz * noise / 2": "dz * noise"}

# For each file: what is wrong, the change, and the check that must see it.
FAULTS: dict[str, list[Fault]] = {
    "layers/dense.py": [
        ("dw: sign", {DW: f"w.grad -= dy @ x.T; {DB}"}, *OF_DENSE),
        ("dw: = for +=", {DW: f"w.grad[...] = dy @ x.T; {DB}"}, *OF_DENSE),
        ("dw: rebound", {DW: f"w.grad = w.grad + dy @ x.T; {DB}"}, *OF_DENSE),
        ("dw: mean for sum", {DW: f"w.grad += dy @ x.T / N; {DB}"}, *OF_DENSE),
        ("dx: w not transposed", {"w.value.T, dy": "w.value, dy"}, *OF_DENSE),
        ("db: forgotten", {DW: "add_matmul(w, dy, x.T)"}, *OF_DENSE),
        ("db: = for +=", {DW: f"{DW[:-4]}); b.grad[...] = dy.sum(axis=1)"}, *OF_DENSE),
        ("db: mean for sum", {DW: f"{DW[:-4]}); b.grad += dy.mean(axis=1)"}, *OF_DENSE),
        ("b not added", {"None if b is None else b.value": "None"}, *OF_DENSE),
        ("dy unchecked", {'check("Dense dy", dy, (M, N), w.value.dtype)': "pass"}, *OF_DENSE),
        ("need_dx ignored", {" if need_dx else None": ""}, *OF_DENSE),
        (
            "x kept on self",
            {"N = x.shape[1]": "N = x.shape[1]; self.x = x", DW: f"w.grad += dy @ self.x.T; {DB}"},
            *OF_DENSE,
        ),
    ],
    "layers/activations.py": [
        ("sigmoid' = y", {"dy * y * (1 - y)": "dy * y"}, *of_layer("Sigmoid")),
        ("tanh' of x", {"tanh_backward(dy, y)": "tanh_backward(dy, x)"}, *of_layer("Tanh")),
        (
            "tanh of x/2, forward and backward",
            {
                "y = np.tanh(x)": "y = np.tanh(x / 2)",
                "tanh_backward(dy, y)": "tanh_backward(dy, y) / 2",
            },
            checks.activations.check_definition,
            ("Tanh",),
        ),
        (
            "softmax': diagonal only",
            {"y * (dy - (dy * y).sum(axis=-2, keepdims=True))": "y * (1 - y) * dy"},
            *of_layer("Softmax"),
        ),
        ("softplus' = σ(-x)", {"dy * sigmoid(x)": "dy * sigmoid(-x)"}, *of_layer("Softplus")),
        ("gelu' forgets x φ", {"(cdf + x * np": "(cdf + 0 * np"}, *of_layer("GELU")),
        ("gelu': √π for √2π", {"sqrt(2 * pi)": "sqrt(pi)"}, *of_layer("GELU")),
    ],
    "layers/rectifiers.py": [
        ("elu' forgets α", {"(y + self.alpha)": "(y + 1)"}, *of_layer("ELU")),
    ],
    "kernels/rectifiers.py": [
        (
            "relu's mask from dy",
            {"dyn[n] if yn[n] > zero": "dyn[n] if dyn[n] > zero"},
            *of_layer("ReLU"),
        ),
        ("relu'(0) = 1", {"yn[n] > zero": "yn[n] >= zero"}, *of_layer("ReLU")),
        ("leaky relu' = 1", {"else s * dy[n]": "else dy[n]"}, *of_layer("LeakyReLU")),
    ],
    "kernels/activations.py": [
        (
            "Φ - ½ for Φ, forward and backward",
            {"half + half * ": "half * "},
            checks.activations.check_definition,
            ("GELU",),
        ),
        ("tanh' = 1 - y", {"(one - yn[n] * yn[n])": "(one - yn[n])"}, *of_layer("Tanh")),
    ],
    "kernels/draws.py": [
        ("σ is log σ²", {"sd = np.exp(logvar / 2)": "sd = logvar"}, *OF_DRAWS),
        ("one ε for all draws", {"eps[row, a:b], z": "eps[row, :N], z"}, *OF_DRAWS),
        ("½ forgotten", {"np.float64(v[n])) / 2": "np.float64(v[n]))"}, *OF_DRAWS),
        ("no log σ²", {" + np.float64(v[n])": ""}, *OF_DRAWS),
        ("the last row's ratio", {"ratios[n] += (en": "ratios[n] = (en"}, *OF_DRAWS),
        ("the last draw's sum", {"total[n] += d[n]": "total[n] = d[n]"}, *OF_SUMS),
        ("Σ dz for Σ dz ε", {"product[n] += d[n] * e[n]": "product[n] += d[n]"}, *OF_SUMS),
        ("one factor for all", {"x[m] * scale[m]": "x[m] * scale[0]"}, *OF_SCALED),
    ],
    "kernels/plain_samples.py": [
        ("σ² for σ", {"np.exp(logvar / 2)": "np.exp(logvar)"}, *OF_DRAWS),
        ("draws side by side", {"np.tile(mu, K) +": "np.repeat(mu, K, 1) +"}, *OF_DRAWS),
        ("no log σ²", {" + np.tile(logvar, K)": ""}, *OF_DRAWS),
        ("samples for draws", {"draws = len(dz), -1, N": "draws = len(dz), N, -1"}, *OF_SUMS),
        ("Σ dz for Σ dz ε", {"(dz * eps).reshape": "dz.reshape"}, *OF_SUMS),
        ("divided", {"return a * scale": "return a / scale"}, *OF_SCALED),
    ],
    "kernels/plain.py": [
        ("tanh' = 1 - y", {"dy * (1 - y * y)": "dy * (1 - y)"}, *of_layer("Tanh")),
        ("no bias", {"c if bias is None else c + bias[:, None]": "c"}, *OF_BIAS),
        ("put where something is", {"p.grad += a @ b": "p.grad[...] = a @ b"}, *OF_PRODUCTS),
        ("columns for rows", {"a.sum(axis=1)": "a.sum()"}, *OF_PRODUCT),
        ("row sums put", {"sums.grad += a.sum": "sums.grad[...] = a.sum"}, *OF_PRODUCT),
        ("σ(-a)", {"np.where(positive, 1, e)": "np.where(positive, e, 1)"}, *defined("Sigmoid")),
        (
            "σ overflows",
            {"e = np.exp(np.where(positive, -a, a))": "e = np.exp(a)"},
            checks.losses.check_bernoulli_limits,
            (),
        ),
        (
            "softplus overflows",
            {"np.log1p(np.exp(np.where(positive, -a, a)))": "np.log1p(np.exp(a))"},
            checks.activations.check_limits,
            ("Softplus", (0, 1e4), (0, 1)),
        ),
        ("Φ - ½ for Φ", {"(1 + _erf(x": "(_erf(x"}, *defined("GELU")),
        ("Φ of x", {"_erf(x / sqrt(2))": "_erf(x)"}, *defined("GELU")),
        ("relu from -1 on", {"np.maximum(x, 0)": "np.maximum(x, -1)"}, *defined("ReLU")),
        (
            "relu's mask from dy",
            {"np.where(y > 0, dy, 0)": "np.where(dy > 0, dy, 0)"},
            *of_layer("ReLU"),
        ),
        ("relu'(0) = 1", {"y > 0, dy, 0)": "y >= 0, dy, 0)"}, *of_layer("ReLU")),
        ("leaky relu' = 1", {"slope * dy)": "dy)"}, *of_layer("LeakyReLU")),
        ("no t a", {"softplus(a) - t * a": "softplus(a)"}, *of_loss("bernoulli_nll")),
        ("da = σ(a)", {"(sigmoid(a) - t) / N": "sigmoid(a) / N"}, *of_loss("bernoulli_nll")),
        (
            "mean over features too",
            {"N = a.shape[-1]": "N = a.size"},
            checks.losses.check_reduction,
            ("bernoulli_nll",),
        ),
        ("256 for 255", {"dtype) / 255": "dtype) / 256"}, *OF_BYTES),
        ("always the first image", {"images[rows]": "images[0 * rows]"}, *OF_BYTES),
    ],
    "kernels/plain_optimizers.py": [
        ("one replica for all", {"self.scale * g.sum(axis=0)": "self.scale * g[0]"}, *OF_ADAM),
        ("not clipped", {"self.scale * g": "g"}, *OF_CLIPPING),
        ("no l2", {" + self.l2 * x": ""}, *steps_of("Adam decay")),
        ("nothing cleared", {"g[...] = 0": "pass"}, checks.optimizers.check_cleared, ()),
        (
            "all of θ",
            {"slice(*self.within)": "slice(0, self.theta.value.size)"},
            checks.optimizers.check_cleared,
            (),
        ),
        ("norm of one replica", {".sum(axis=0).astype": "[0].astype"}, *OF_CLIPPING),
        ("norm squared", {"sqrt(fsum(squares))": "fsum(squares)"}, *OF_CLIPPING),
        ("u forgets", {"u[...] = momentum * u + g": "u[...] = g"}, *steps_of("momentum")),
        ("no look-ahead", {"(g + momentum * u if nesterov else u)": "u"}, *steps_of("Nesterov")),
        (
            "v of g",
            {"alpha * v + (1 - alpha) * g * g": "alpha * v + (1 - alpha) * g"},
            *steps_of("RMSprop decay"),
        ),
        ("ε in the root", {"(np.sqrt(v) + eps)": "np.sqrt(v + eps)"}, *steps_of("RMSprop decay")),
        ("m never grows", {"beta1 * m + (1 - beta1) * g": "beta1 * m"}, *OF_ADAM),
        ("v forgets too little", {"beta2 * v + (1 - beta2) * g * g": "v + g * g"}, *OF_ADAM),
        ("m̂ is m", {"m / (1 - beta1**count)": "m"}, *OF_ADAM),
        ("v̂ is v", {"v / (1 - beta2**count)": "v"}, *OF_ADAM),
        (
            "no decoupled decay",
            {"(1 - step.rate * decay) * x": "x"},
            *steps_of("AdamW decay"),
        ),
        (
            "ε in the root of Adam",
            {"(np.sqrt(v_hat) + eps)": "np.sqrt(v_hat + eps)"},
            *steps_of("Adam decay"),
        ),
    ],
    "kernels/plain_images.py": [
        ("no dilation", {"shift = k * dilation - padding": "shift = k - padding"}, *OF_CONV),
        ("no border", {"shift = k * dilation - padding": "shift = k * dilation"}, *OF_CONV),
        ("a window too early", {"-(shift // stride))": "-shift // stride)"}, *OF_CONV),
        ("the last window lost", {"(inputs - 1 - shift) // stride + 1": "-shift // 1"}, *OF_CONV),
        ("no bias", {"y += b[:, None, None, None]": "pass"}, *OF_CONV),
        ("no bias of the adjoint", {"x += b[:, None, None, None]": "pass"}, *OF_TURNED),
        ("y: = for +=", {"y[there] += np.einsum": "y[there] = np.einsum"}, *OF_CONV),
        ("dx: = for +=", {"x[pixels] += np.einsum": "x[pixels] = np.einsum"}, *OF_CONV),
        ("dw: = for +=", {"dw[..., k, j] += np": "dw[..., k, j] = np"}, *OF_CONV),
        ("db: mean for sum", {"db += dy.sum(": "db += dy.mean("}, *OF_CONV),
        ("db: = for +=", {"db += dy.sum(": "db[...] = dy.sum("}, *OF_CONV),
        ("no ReLU", {"np.maximum(y, 0) if relu else y": "y"}, *OF_FUSION),
        ("no ReLU of the adjoint", {"np.maximum(x, 0) if relu else x": "x"}, *OF_FUSION),
        ("ReLU's mask from dy", {"np.where(y > 0, dy, np": "np.where(dy > 0, dy, np"}, *OF_FUSION),
        ("db of dy behind a ReLU", {"db += da.sum(": "db += dy.sum("}, *OF_FUSION),
        ("the last of equals wins", {"(new > best)": "(new >= best)"}, *OF_MAX),
        ("a NaN loses", {" | np.isnan(new)": ""}, *OF_MAX),
        ("-∞ never wins", {"(winner[there] == 0) | (new": "(new"}, *OF_MAX),
        ("windows do not add up", {"dx[pixels] += np": "dx[pixels] = np"}, *OF_MAX),
        ("what is no winner gets dy", {"winner[y <= 0] = 0": "pass"}, *OF_MAX),
        ("rows do not add up", {"z[:, h] += ": "z[:, h] = "}, *OF_UPSAMPLING),
        ("columns do not add up", {"y[:, :, m] += ": "y[:, :, m] = "}, *OF_UPSAMPLING),
        ("no weights of rows", {"M.A[h, i] * x": "x"}, *OF_MEAN),
        ("no weights of columns", {"M.B[m, l] * z": "z"}, *OF_MEAN),
        ("σ² forgets μ", {"((d * d).mean": "((x * x).mean"}, *OF_NORM),
        ("σ² is a sum", {"(d * d).mean(": "(d * d).sum("}, *OF_NORM),
        ("no ε", {" + eps)": ")"}, *OF_NORM),
        ("no β", {" + beta[..., None, None]": ""}, *OF_NORM),
        ("x̂ without μ", {"(x - mean[:, None, None]) *": "x *"}, *OF_NORM),
        ("dγ without x̂", {"dgamma += (dy * xhat)": "dgamma += dy"}, *OF_NORM),
        ("dγ: = for +=", {"dgamma += (dy": "dgamma[...] = (dy"}, *OF_NORM),
        ("dβ: = for +=", {"dbeta += dy": "dbeta[...] = dy"}, *OF_NORM),
        ("dx̂ without γ", {"gamma[..., None, None] * dy": "dy"}, *OF_NORM),
        ("dx̂ with its mean", {" - dxhat.mean(axis=(1, 2), keepdims=True)": ""}, *OF_NORM),
        ("dx: sign", {"dx -= xhat": "dx += xhat"}, *OF_NORM),
        ("dx without r", {"return dx * r[:, None, None]": "return dx"}, *OF_NORM),
    ],
    "kernels/plain_recurrent.py": [
        ("σ' of f missing", {"df * f * (1 - f)": "df"}, *of_recurrent("gradient", "LSTM")),
        (
            "BPTT of one step",
            {"u.T @ da[t], dh)\n        dc": "0 * dh, dh)\n        dc"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "c carried by no step",
            {"_kept(lengths, t, dc_t * f, dc)": "_kept(lengths, t, 0 * dc, dc)"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "dc: = for +=",
            {"dc_t = dc + dh_t * o": "dc_t = dh_t * o"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "o of the step before",
            {"o * np.tanh(c[t + 1]), h": "o * np.tanh(c[t]), h"},
            *of_recurrent("formula", "LSTM"),
        ),
        (
            "gates i, f, o, g",
            {"sigmoid(s[3])": "sigmoid(s[2])", "np.tanh(s[2])": "np.tanh(s[3])"},
            *of_recurrent("formula", "LSTM"),
        ),
        (
            "b_hn dropped",
            {"np.split(a[t], 3), np.split(q, 3)": "np.split(a[t], 3), np.split(u @ h[t], 3)"},
            *of_recurrent("formula", "GRU"),
        ),
        (
            "r before the product",
            {
                "tanh(a_n + r * q_n)": "tanh(a_n + np.split(u, 3)[2] @ (r * h[t]) "
                "+ np.split(bias_hh, 3)[2][:, None])"
            },
            *of_recurrent("formula", "GRU"),
        ),
        (
            "z and 1 - z",
            {"(1 - z) * n + z * h[t]": "z * n + (1 - z) * h[t]"},
            *of_recurrent("formula", "GRU"),
        ),
        (
            "z's own way back forgotten",
            {"u.T @ dq[t] + dh_t * z": "u.T @ dq[t]"},
            *of_recurrent("gradient", "GRU"),
        ),
        (
            "r's gradient without q_n",
            {"dn * un[t] * r * (1 - r)": "dn * r * (1 - r)"},
            *of_recurrent("gradient", "GRU"),
        ),
        ("ReLU' is y", {"else y > 0": "else y"}, checks.recurrent.check_relu_gradient, ()),
        (
            "all steps are valid",
            {"new if lengths is None": "new if True"},
            *of_recurrent("lengths", "LSTM"),
        ),
        (
            "a step too many",
            {"np.where(t < lengths, new, old)": "np.where(t <= lengths, new, old)"},
            *of_recurrent("lengths", "GRU"),
        ),
        (
            "a bias for each sample lost",
            {"x\n    return y if bias is None": "x\n    return y if bias is None or bias.ndim > 1"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "tokens do not add up",
            {
                "np.add.at(p.grad.T, tokens, dy.swapaxes(1, 2))": "p.grad.T[tokens] "
                "+= dy.swapaxes(1, 2)"
            },
            *of_recurrent("tokens", "LSTM"),
        ),
    ],
    "layers/recurrent.py": [
        (
            "a direction's gradient dropped",
            {"_sum(dx, dread), _sum": "dread, _sum"},
            *of_recurrent("deep_gradient", "LSTM"),
        ),
        (
            "what is not valid is reversed, too",
            {"np.where(t < lengths, lengths - 1 - t, t)": "len(x) - 1 - t + 0 * lengths"},
            *of_recurrent("lengths", "LSTM"),
        ),
        (
            "outputs are not reversed",
            {"[backwards(h, lengths) if d else h for": "[h for"},
            *of_recurrent("deep_gradient", "GRU"),
        ),
        (
            "y goes on",
            {"return np.where(valid if": "return x if True else np.where(valid if"},
            *of_recurrent("lengths", "LSTM"),
        ),
        (
            "states of layers in reverse",
            {"dfirst[:0] = dstates": "dfirst += dstates"},
            *of_recurrent("deep_gradient", "GRU"),
        ),
        (
            "a constant of one direction",
            {"_sum(dconstant, dz)": "dz"},
            *of_recurrent("deep_gradient", "GRU"),
        ),
    ],
    "layers/recurrent_cell.py": [
        (
            "dw of a constant: = for +=",
            {"w.grad[:, :D] += part.grad": "w.grad[:, :D] = part.grad"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "a constant of one step",
            {"ds = da.sum(axis=0)": "ds = da[0]"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "one bias",
            {"self.b_ih.value + self.b_hh.value": "self.b_ih.value"},
            *of_recurrent("formula", "LSTM"),
        ),
    ],
    "layers/gru.py": [
        (
            "db_hh is db_ih",
            {"add_matmul_steps(u, dq, h[:-1], b_hh)": "add_matmul_steps(u, da, h[:-1], b_hh)"},
            *of_recurrent("gradient", "GRU"),
        ),
        (
            "b_hh added outside",
            {"return None if self.b_ih is None else self.b_ih.value": "return super().bias()"},
            *of_recurrent("formula", "GRU"),
        ),
    ],
    "layers/lstm.py": [
        (
            "du from the states after",
            {
                "add_matmul_steps(u, da, h[:-1], self.b_hh)": "add_matmul_steps(u, da, h[1:], "
                "self.b_hh)"
            },
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "the final h has no gradient",
            {"dh, dc = dfinal": "dh, dc = 0 * dfinal[0], dfinal[1]"},
            *of_recurrent("gradient", "LSTM"),
        ),
        (
            "the final state is c twice",
            {"(h[-1], c[-1])": "(c[-1], c[-1])"},
            *of_recurrent("formula", "LSTM"),
        ),
    ],
    "layers/rnn.py": [
        (
            "no first state",
            {"rnn(a, u.value, h0,": "rnn(a, u.value, 0 * h0,"},
            *of_recurrent("formula", "RNN"),
        ),
    ],
    "layers/fusion.py": [
        ("a ReLU left out", {"forward(x, relu=True)": "forward(x)"}, *OF_FUSION),
        ("a ReLU twice", {"stages[i : i + 2] = [WithReLU(stages[i])]": "pass"}, *OF_FUSION),
    ],
    "kernels/batch.py": [
        ("a column twice", {"grey[i7[d]]": "grey[i6[d]]"}, *OF_BYTES),
        ("one byte of the rest", {"grey[image[d]]": "grey[image[0]]"}, *OF_BYTES),
    ],
    "kernels/norm.py": [
        ("Σ for the mean", {"m[n] /= K": "pass"}, *OF_NORM),
        ("σ² is a sum", {"s[n] / K + eps": "s[n] + eps"}, *OF_NORM),
        ("σ² forgets μ", {"d = row[n] - m[n]": "d = row[n]"}, *OF_NORM),
        (
            "ε outside of the root",
            {"np.sqrt(s[n] / K + eps)": "(np.sqrt(s[n] / K) + eps)"},
            *OF_NORM,
        ),
        ("no β", {" + shift": ""}, *OF_NORM),
        ("dγ without r", {"u[n] *= s[n]": "pass"}, *OF_NORM),
        ("dγ: = for +=", {"db, dg = dbeta[g, c], dgamma[g, c]": "db, dg = 0.0, 0.0"}, *OF_NORM),
        ("A without γ", {"a[n] += scale * t[n]": "a[n] += t[n]"}, *OF_NORM),
        ("B: r once too often", {"b[n] *= s[n] / K": "b[n] *= s[n] * s[n] / K"}, *OF_NORM),
        ("A of all groups", {"a[:] = 0": "pass"}, *OF_NORM),
        ("dx without A", {" - a[n] - (": " - ("}, *OF_NORM),
        ("dx: sign of B", {"- (row[n] - m[n]) * b[n]": "+ (row[n] - m[n]) * b[n]"}, *OF_NORM),
    ],
    "layers/sampling.py": [
        (
            "dlogvar: no ½",
            {"dz * noise / 2": "dz * noise"},
            checks.sampling.check_gradient,
            (2, 3, SEED),
        ),
        ("dμ is dz itself", {"dz.copy()": "dz"}, checks.sampling.check_gradients_are_new, ()),
        ("σ = exp(logvar)", SIGMA_IS_VARIANCE, checks.sampling.check_moments, ()),
    ],
    "latent_losses.py": [
        (
            "codebook: sign of de",
            {"2 / N * sums_by_token": "-2 / N * sums_by_token"},
            *OF_CODEBOOK,
        ),
        ("codebook: no 1/N", {"2 / N * sums_by_token": "2 * sums_by_token"}, *OF_CODEBOOK),
        ("MMD: pairs i = j count", {"apart = 1 - np.eye(N": "apart = 1 - 0 * np.eye(N"}, *OF_MMD),
        ("MMD: a pair once", {"dz = 4 / (N * (N - 1))": "dz = 2 / (N * (N - 1))"}, *OF_MMD),
        ("MMD: pull becomes push", {"dz -= 4 / N**2": "dz += 4 / N**2"}, *OF_MMD),
        ("MMD: slope of the RBF", {"[-k / C for": "[-k for"}, *OF_MMD),
        ("MMD: slope of the IMQ", {"-k * k / C": "-k / C"}, *OF_MMD),
        (
            "parts: β and α change places",
            {"alpha, beta, gamma = dy": "beta, alpha, gamma = dy"},
            *OF_PARTS,
        ),
        ("parts: no gradient of the prior", {"gamma * z - dau": "-dau"}, *OF_PARTS),
        (
            "parts: dlogvar without ½",
            {"(squares - da).sum(axis=1) / 2": "(squares - da).sum(axis=1)"},
            *OF_PARTS,
        ),
        (
            "parts: margins forget the weights",
            {"log_sum(a + log_weights)": "log_sum(a + 0)"},
            *OF_PARTS,
        ),
        ("mixture: log K forgotten", {" - log(K)": ""}, *OF_MIXTURE),
        (
            "mixture: sign of the pull",
            {"rU.sum(axis=2) - u / N": "-rU.sum(axis=2) - u / N"},
            *OF_MIXTURE,
        ),
        ("mixture: dmean", {", -rU.sum(axis=1)": ", rU.sum(axis=1)"}, *OF_MIXTURE),
        ("mixture: dlogvar", {"(r / N - differences": "(r - differences"}, *OF_MIXTURE),
        ("log N without 2π", {"+ log(2 * pi)) / 2, u": ") / 2, u"}, *OF_MIXTURE),
    ],
    "models/codebook.py": [
        (
            "|e|² for ½ |e|²",
            {"[:, None] / 2 - matmul": "[:, None] - matmul"},
            checks.latent.check_nearest,
            (5, 2, SEED),
        ),
        ("γ and 1 - γ change places", {"new = 1 - (": "new = 1 * ("}, *OF_AVERAGES),
        ("no smoothing", {"(self.counts + self.EPS)": "(self.counts)"}, *OF_AVERAGES),
        ("codes that are chosen die", {" & (chosen == 0)": " | (chosen > 0)"}, *OF_REVIVAL),
        ("the revived are not counted", {"self.counts[lost] = 1": "pass"}, *OF_REVIVAL),
        ("the revived keep their sums", {" = self.sums[lost] = rows": " = rows"}, *OF_REVIVAL),
        (
            "perplexity in bits",
            {"np.exp(-(used": "np.exp2(-(used"},
            checks.latent.check_perplexity,
            (),
        ),
    ],
    "losses.py": [
        ("dy: no 1/N", {"d *= 2 / N": "d *= 2"}, *of_loss("squared_error")),
        (
            "no 1/N in value and dy",
            {"d *= 2 / N": "d *= 2", "float(np.vdot(d, d)) / N": "float(np.vdot(d, d))"},
            checks.losses.check_reduction,
            ("squared_error",),
        ),
        (
            "mean over features too",
            {'N = batch_size("squared_error y", y)': "N = y.size"},
            checks.losses.check_reduction,
            ("squared_error",),
        ),
        (
            "dlogvar of NLL: sign",
            {"(1 - squares) / (2 * N)": "(squares - 1) / (2 * N)"},
            *of_loss("gaussian_nll"),
        ),
        (
            "log-determinant forgotten",
            {"squares + logvar + log": "squares + log"},
            *of_loss("gaussian_nll"),
        ),
        (
            "log 2π forgotten",
            {"(squares + logvar + log(2 * pi))": "(squares + logvar)"},
            checks.losses.check_value,
            ("gaussian_nll", SHAPE, SEED),
        ),
        (
            "dlogvar of KL: no ½",
            {"excess / (2 * N)": "excess / N"},
            *of_loss("gaussian_kl"),
        ),
        (
            "no ½ in KL and gradient",
            {
                "excess).sum()) / (2 * N)": "excess).sum()) / N",
                "(mu / N, excess / (2 * N))": "(2 * mu / N, excess / N)",
            },
            checks.losses.check_kl_by_hand,
            (),
        ),
        (
            "KL of log σ for log σ²",
            {
                "excess = np.expm1(logvar)": "excess = np.expm1(2 * logvar)",
                "mu * mu + excess - logvar": "mu * mu + excess - 2 * logvar",
                "excess / (2 * N)": "excess / N",
            },
            checks.losses.check_kl_by_monte_carlo,
            (),
        ),
        (
            "label not subtracted",
            {"axis=-2) - 1, axis=-2)": "axis=-2), axis=-2)"},
            *of_loss("categorical_nll"),
        ),
        (
            "log Σ exp without max",
            {"a = a - a.max(axis=-2, keepdims=True)": "pass"},
            checks.losses.check_categorical_limits,
            (),
        ),
        ("dz: no 1/N", {"np.sign(z) / N": "np.sign(z)"}, *of_loss("l1_penalty")),
        ("σ'' = σ'", {"s * (1 - 2 * h)": "s"}, *OF_CONTRACTION),
        ("dw: no 2", {"2 / N * slopes[:, None]": "slopes[:, None] / N"}, *OF_CONTRACTION),
        (
            "slope of σ not squared, value and gradients",
            {"(s * s).sum(axis=1)": "s.sum(axis=1)", "s * (1 - 2 * h)": "(1 - 2 * h) / 2"},
            checks.contractive.check_penalty_by_hand,
            (),
        ),
    ],
    "layers/tied.py": [
        ("dw: transposed", {"w, x, dy.T": "w, (dy @ x.T).reshape(M, D), np.eye(D)"}, *OF_TIED),
        ("dw: = for +=", {"add_matmul(w, x, dy.T)": "w.grad[...] = x @ dy.T"}, *OF_TIED),
        (
            "a w of its own",
            {"self.w = dense.w": "self.w = Parameter(dense.w.value.copy())"},
            checks.tied.check_gradient_there_and_back,
            (3, 2, 2, SEED),
        ),
        ("db: mean for sum", {"dy.sum(axis=1)": "dy.mean(axis=1)"}, *OF_TIED),
        ("dy unchecked", {'check("TiedDense dy", dy, (D, N), w.value.dtype)': "pass"}, *OF_TIED),
        ("need_dx ignored", {" if need_dx else None": ""}, *OF_TIED),
    ],
    "models/contractive.py": [
        ("no direct dw", {"w.grad += weight * strength * dw": "pass"}, *OF_OBJECTIVE),
        ("no dh", {" + weight * strength * dh": ""}, *OF_OBJECTIVE),
        (
            "dw without the weight of its micro-batch",
            {"weight * strength * dw": "strength * dw"},
            checks.contractive.check_weighted_backward,
            (),
        ),
    ],
    "kernels/losses.py": [
        (
            "σ(a) + t",
            {"add(sigma, minus_t)": "add(sigma, load(t, n))"},
            *of_loss("bernoulli_nll"),
        ),
        (
            "softplus without max(a, 0)",
            {"an, relu(an))": "an, nothing)"},
            *of_loss("bernoulli_nll"),
        ),
        (
            "σ(a) = e/(1 + e) everywhere",
            {
                "\n                sigma = divide(where_larger(an, nothing, one, e)": "\n"
                "                sigma = divide(e"
            },
            checks.losses.check_bernoulli_limits,
            (),
        ),
        (
            "product of factors overflows",
            {"FACTORS = 112": "FACTORS = 640"},
            checks.losses.check_bernoulli_blocks,
            (1000,),
        ),
    ],
    "layers/sequential.py": [
        (
            "a step left out",
            {"reversed(steps[first + 1 :])": "reversed(steps[first + 2 :])"},
            checks.sequential.check_gradient,
            ([3, 2], 4, SEED),
        ),
        (
            "backward in the order of forward",
            {"reversed(steps[: first + 1])": "steps[: first + 1]"},
            *NEED_DX,
        ),
        (
            "need_dx=False learns nothing",
            {"backward_into_theta(steps[first], dy)": "pass"},
            *NEED_DX,
        ),
    ],
    "layers/initializers.py": [
        (
            "He without the 2",
            {"_normal(shape, 2 / fan_in,": "_normal(shape, 1 / fan_in,"},
            *moments("he_normal"),
        ),
        (
            "Glorot with fan_in only",
            {"_uniform(shape, 2 / (fan_in + fan_out)": "_uniform(shape, 1 / fan_in"},
            *moments("glorot_uniform"),
        ),
        ("a = √v", {"np.sqrt(3 * variance)": "np.sqrt(variance)"}, *moments("lecun_uniform")),
        ("σ = v", {"np.sqrt(variance) * x": "variance * x"}, *moments("lecun_normal")),
        (
            "the signs of QR left in",
            {"q *= np.sign(np.diag(r))": "pass"},
            checks.initializers.check_no_direction,
            (),
        ),
    ],
    "kernels/matmul.py": [
        ("put where something is", {"None, True, p.grad": "None, False, p.grad"}, *OF_PRODUCTS),
        ("no bias", {"    if bias is None:": "    if True:"}, *OF_BIAS),
        ("no bias on a short side", {"y if bias is None else y + bias[:, None]": "y"}, *OF_BIAS),
    ],
    "kernels/product.py": [
        ("the last columns of a panel lost", {"(SQUARES, COLUMNS)": "(0, SQUARES)"}, *OF_PRODUCT),
        ("the last square elsewhere", {"min(start, K - V)": "min(start, K - V - 1)"}, *OF_PRODUCT),
        ("a strip lost", {"(M + STRIP - 1) // STRIP": "M // STRIP"}, *OF_PRODUCT),
        ("a panel lost", {"(COLUMNS + NR - 1) // NR": "COLUMNS // NR"}, *OF_PRODUCT),
        ("a block lost", {"(N + BLOCK - 1) // BLOCK": "N // BLOCK"}, *OF_BLOCKS),
        ("the first block's panels", {"b_transposed, left + p": "b_transposed, p"}, *OF_BLOCKS),
        ("a block where another is", {"* N + left + n": "* N + n"}, *OF_BLOCKS),
        ("panels of the block before", {"packed_from != left": "packed_from < 0"}, *OF_BLOCKS),
        ("row sums once a block", {"> 0 and left == 0": "> 0"}, *OF_BLOCKS),
        ("row sums put", {"sums[m] += total": "sums[m] = total"}, *OF_PRODUCT),
        ("rows packed from elsewhere", {"k * N + first + j": "k * N + j"}, *OF_PRODUCT),
        ("a panel without its end", {"load_part(a, i, left)": "load_part(a, i, 0)"}, *OF_PRODUCT),
    ],
    "kernels/machine/tile.py": [
        ("the sums before lost", {"return t + rows": "return rows"}, *OF_TILE),
        ("rows for columns", {"STEP, K, len(t)).T": "len(t) + 1, K, len(t)).T"}, *OF_TILE),
        ("rows side by side", {"i + STEP * np": "i + np"}, *OF_TILE),
        ("three times the same", {"_runs(b, j, K, 1, K)": "_runs(b, at[0], K, 1, K)"}, *OF_TILE),
        ("totals put", {"+= sums[3 * r + n].sum()": "= sums[3 * r + n].sum()"}, *OF_TILE),
        (
            "a column too many",
            {"= t[r, first:last]": "= t[r, :last][-(last - first) :] * 2"},
            *OF_TILE,
        ),
    ],
    "kernels/optimizers.py": [
        ("m never grows", {"mn = b1 * m[n] + c1 * d": "mn = b1 * m[n]"}, *OF_ADAM),
        (
            "v forgets too little",
            {"vn = b2 * v[n] + c2 * d * d": "vn = v[n] + c2 * d * d"},
            *OF_ADAM,
        ),
        ("v̂ is v", {"vn * unbias": "vn"}, *OF_ADAM),
    ],
    "kernels/machine/exponential.py": [
        (
            "a term of the series left out",
            {"in range(1, terms": "in range(2, terms"},
            *OF_EXP,
        ),
        (
            "ln 2 in few digits",
            {"fma(n, splat(c, 2), fma(n, splat(c, 1), v))": "fma(n, splat(c, 1), v)"},
            *OF_EXP,
        ),
        (
            "σ is too large for large negative v",
            {"larger(splat(c, LEAST), minus_v)": "larger(splat(c, MINUS_FLAT), minus_v)"},
            *OF_SIGMOID,
        ),
        ("e^v - 1 loses the digits of 2ⁿ - 1", {"splat(c, MINUS_ONE))": "zero(c))"}, *OF_TANH),
        ("tanh ends too early", {"SATURATED = 20.0": "SATURATED = 10.0"}, *OF_TANH),
        ("tanh of v, not of 2 v", {"reduced(add(v, v), c)": "reduced(v, c)"}, *OF_TANH),
    ],
    "layers/replica.py": [
        (
            "a replica copies θ",
            {"{id(p.value): p.value for p in parts}": "{}", " or p.value is not q.value": ""},
            checks.core.check_replica,
            (),
        ),
    ],
    "core.py": [
        (
            "shared θ laid out twice",
            {"list({id(p): p for p in parameters.values()}.values())": "list(parameters.values())"},
            checks.core.check_shared_parameters,
            (),
        ),
        (
            "check lets 1 broadcast",
            {"if want != size and": "if want != size and size != 1 and"},
            checks.core.check_refusal,
            (np.zeros((1, 7)),),
        ),
        (
            "check forgets dtype",
            {" and array.dtype == dtype": ""},
            checks.core.check_refusal,
            (np.zeros((3, 7), np.float32),),
        ),
    ],
}


def is_kernel(file: str) -> bool:
    """Does a file hold compiled code, or what calls it?"""
    return file.startswith("kernels/") and not file.startswith("kernels/plain")


FAST = pytest.mark.fast("kernels do not run there")
CASES = [
    pytest.param(
        file,
        changes,
        check,
        arguments,
        id=f"{file}: {name} [{check.__name__}]",
        marks=FAST if is_kernel(file) else (),
    )
    for file, faults in FAULTS.items()
    for name, changes, check, arguments in faults
]


@pytest.mark.parametrize(("file", "changes", "check", "arguments"), CASES)
def test_convicted(
    file: str,
    changes: Mapping[str, str],
    check: Check,
    arguments: tuple[Any, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the path that the file is on."""
    path = nnscratch.plain if file.startswith("kernels/plain") else nullcontext
    with path(), monkeypatch.context() as patch:
        check(on_trial(file, {old: old for old in changes}, patch, check), *arguments)
    with path(), monkeypatch.context() as patch, pytest.raises(CONVICTED):
        check(on_trial(file, changes, patch, check), *arguments)


def test_no_gradient_check_can_see_a_wrong_distribution() -> None:
    """σ = exp(logvar), forward and backward: every derivative is right, and the model is wrong."""
    wrong = source_as_module("layers/sampling.py", SIGMA_IS_VARIANCE)
    checks.sampling.check_gradient(wrong, 2, 3, SEED)
    with pytest.raises(AssertionError):
        checks.sampling.check_moments(wrong)
