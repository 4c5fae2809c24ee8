"""How θ moves: each optimiser is one fused kernel over one packed vector.

    theta = pack(model.parameters())
    adam = Adam(1e-3)
    …                      # forward, backward: theta.grad holds ∂L/∂θ
    adam.step(theta)       # θ has moved, theta.grad is zero again

An optimiser owns its moments and counts its steps; it holds no reference to a model. A learning
rate is a number or a schedule, a function of the step number.
"""

from math import sqrt
from typing import Any, TypeAlias

import numpy as np

from .checks.arguments import flag, number
from .checks.text import call_text
from .core import Array, Parameter, check
from .kernels.plain_optimizers import Step, adam, gradient_norm, gradient_squares, rmsprop, sgd
from .schedules import Constant, Schedule, as_schedule

ClipNorm: TypeAlias = float | tuple[float, float] | None


class Optimizer:
    """What all optimisers have in common: a rate, a norm to clip at, moments, a step count.

    clip_norm  the largest norm of a gradient, a longer one is shortened to it; of a pair, the
               second is the norm beyond which a gradient counts as 0: that batch teaches nothing

    Raises
        ValueError if a hyperparameter lies outside its range, or gradients do not fit θ.
    """

    moments: tuple[str, ...] = ()
    skip_norm: float | None = None
    decoupled = False  # whether weight decay shrinks θ itself, or is a part of the gradient

    def __init__(
        self, learning_rate: float | Schedule, weight_decay: float, clip_norm: ClipNorm
    ) -> None:
        self.learning_rate = as_schedule(learning_rate)
        self._within("learning_rate", self.learning_rate(0), 0)
        self.weight_decay = self._within("weight_decay", weight_decay, 0)
        who = type(self).__name__
        if isinstance(clip_norm, tuple | list) and len(clip_norm) == 2:
            clip_norm, most = clip_norm
            self.skip_norm = number(who, "the norm to skip at", most, clip_norm)
        self.clip_norm = None if clip_norm is None else number(who, "clip_norm", clip_norm, 0)
        self.steps = 0
        self.state: dict[str, Array] = {}

    def _within(self, name: str, value: float, low: float, high: float = np.inf) -> float:
        """Return a number in [low, high): a float, since kernels are compiled for no other."""
        return number(type(self).__name__, name, value, low, high, "[)")

    def step(
        self,
        theta: Parameter,
        grads: Array | None = None,
        within: tuple[int, int] | None = None,
        norm: float | None = None,
    ) -> None:
        """Move θ once and clear the gradients.

        grads  (R, P)   gradients to be summed; theta.grad alone if None
        within          (start, stop) of the part of θ that moves; all of it if None
        norm            of the gradient that is clipped, where that is more than this part's
        """
        value = theta.value
        if grads is None:
            grads = theta.grad[None]
        check(f"{type(self).__name__} grads", grads, ("R", value.size), value.dtype)
        if not self.state:
            self.state = {name: np.full_like(value, self.start(name)) for name in self.moments}
        for name, moment in self.state.items():
            check(f"{type(self).__name__} {name}", moment, value.shape, value.dtype)
        within = within or (0, value.size)
        rate = self.learning_rate(self.steps)
        self.steps += 1
        scale, l2 = 1.0, 0.0 if self.decoupled else self.weight_decay
        if self.clip_norm is not None:
            if norm is None:
                norm = gradient_norm(gradient_squares(grads, within))
            scale = min(1.0, self.clip_norm / norm) if norm > 0 else 1.0
            if self.skip_norm is not None and norm > self.skip_norm:
                scale = 0.0
        self.update(Step(theta, grads, within, rate, scale, l2))

    def start(self, moment: str) -> float:
        """Return where this moment is before the first step."""
        return 0.0

    def update(self, step: Step) -> None:
        """Move θ and the moments, and clear the gradients."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Return the kind and the hyperparameters, for reports and checkpoints."""
        numbers = {k: v for k, v in vars(self).items() if k not in ("steps", "state")}
        return {"kind": type(self).__name__} | numbers

    def __repr__(self) -> str:
        numbers = self.settings()
        kind, rate = numbers.pop("kind"), self.learning_rate
        if self.skip_norm is not None:
            numbers["clip_norm"] = self.clip_norm, numbers.pop("skip_norm")
        plain = {"learning_rate": rate.value} if isinstance(rate, Constant) else {}
        return call_text(kind, (), numbers | plain)


class SGD(Optimizer):
    """θ ← θ - η u with u ← μ u + g; with `nesterov` θ ← θ - η (g + μ u).

    Source
        Sutskever et al., On the importance of initialization and momentum (2013), §2.
    """

    moments = ("velocity",)

    def __init__(
        self,
        learning_rate: float | Schedule,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        clip_norm: ClipNorm = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm)
        self.momentum = self._within("momentum", momentum, 0, 1)
        self.nesterov = flag("SGD", "nesterov", nesterov)
        if nesterov and momentum == 0:
            raise ValueError("SGD: expected momentum > 0 with nesterov, got 0")

    def update(self, step: Step) -> None:
        """Move θ and the moments, and clear the gradients."""
        sgd(step, self.state["velocity"], self.momentum, self.nesterov)


class RMSprop(Optimizer):
    """θ ← θ - η g/(√v + ε), where v is a running mean of g².

    `alpha` is the decay of that mean: 0.99 in PyTorch, 0.9 in Keras (there `rho`), and the lesson's
    two notebooks differ by it.

    Source
        Hinton, Neural Networks for Machine Learning (2012), lecture 6e.
    """

    moments = ("square",)

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: ClipNorm = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm)
        self.alpha = self._within("alpha", alpha, 0, 1)
        self.eps = self._within("eps", eps, 0)

    def update(self, step: Step) -> None:
        """Move θ and the moments, and clear the gradients."""
        rmsprop(step, self.state["square"], self.alpha, self.eps)


class Adam(Optimizer):
    """θ ← θ - η m̂/(√v̂ + ε), with bias-corrected running means of g and g².

    Weight decay is the gradient of ½λ‖θ‖², as in PyTorch's Adam; for the decoupled one see AdamW.

    second_moment  where the running mean of g² starts. The correction is that of a start at 0, so a
                   positive one makes the first steps shorter: by √(1 + (βᵗ/(1 - βᵗ)) v₀/v̂), β = β₂
    eps_hat        ε is added to √v and not to √v̂, so that it counts ε/√(1 - β₂ᵗ) here: ε̂ of the
                   paper, end of §2, and TensorFlow's

    Source
        Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1.
    """

    moments = ("first", "second")

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: ClipNorm = None,
        second_moment: float = 0.0,
        eps_hat: bool = False,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm)
        self.beta1 = self._within("beta1", beta1, 0, 1)
        self.beta2 = self._within("beta2", beta2, 0, 1)
        self.eps = self._within("eps", eps, 0)
        self.second_moment = self._within("second_moment", second_moment, 0)
        self.eps_hat = flag(type(self).__name__, "eps_hat", eps_hat)

    def update(self, step: Step) -> None:
        """Move θ and the moments, and clear the gradients."""
        decay = self.weight_decay if self.decoupled else 0.0
        moments = self.state["first"], self.state["second"]
        eps = self.eps / sqrt(1 - self.beta2**self.steps) if self.eps_hat else self.eps
        adam(step, *moments, self.beta1, self.beta2, eps, self.steps, decay)

    def start(self, moment: str) -> float:
        """Return where this moment is before the first step."""
        return self.second_moment if moment == "second" else 0.0

    def settings(self) -> dict[str, Any]:
        """Return the kind and the hyperparameters; those that files did not always have, if set."""
        later = {"second_moment": 0.0, "eps_hat": False}
        return {k: v for k, v in super().settings().items() if later.get(k) != v or k not in later}


class AdamW(Adam):
    """Adam whose weight decay shrinks θ itself, by 1 - ηλ, past the adaptive scaling.

    Source
        Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2.
    """

    decoupled = True

    def __init__(
        self, learning_rate: float | Schedule = 1e-3, *, weight_decay: float = 0.01, **others: Any
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **others)
