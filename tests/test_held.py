"""What parts of one's own hold: noise that is a function of the place, and copies that work."""

import copy
import functools
import pickle
import random
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnscratch.core import Array, Backward, Parameter, Shape
from nnscratch.layers import BatchNorm, Dense, Tanh
from nnscratch.layers.held import restart, shared, sources, unmoved
from nnscratch.likelihoods import Gaussian
from nnscratch.models import AdversarialAutoencoder
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer
from nnscratch.training.replicas import Replicas

GLOBAL = np.random.default_rng(0)
IMAGES = tiny.images(64)

KINDS: dict[str, Callable[[], Any]] = {
    "PCG64": lambda: np.random.default_rng(3),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(3)),
    "Philox": lambda: np.random.Generator(np.random.Philox(3)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(3)),
    "RandomState": lambda: np.random.RandomState(3),
    "RandomState of PCG64": lambda: np.random.RandomState(np.random.PCG64(3)),
    "random.Random": lambda: random.Random(3),
}


def draw(rng: Any) -> float:
    return float(rng.gauss(0, 1) if isinstance(rng, random.Random) else rng.normal())


class Noise(Tanh):
    """Adds one number to all, drawn from a generator that it holds, and tells HEARD of it."""

    def __init__(self, rng: Any) -> None:
        self.rng = rng

    def next(self) -> float:
        return draw(self.rng)

    def forward(self, x: Array) -> tuple[Array, Backward]:
        noise = self.next()
        HEARD.append(noise)
        return super().forward(x + x.dtype.type(0.1 * noise))


HEARD: list[float] = []


def trainer(model: Any, threads: int | None = 1, replicas: int = 2, **options: Any) -> Trainer:
    options = {"seed": 0, "batch_size": 32, "micro_batch": 8} | options
    return Trainer(model, Adam(1e-2), replicas=replicas, threads=threads, **options)


def theta(of: Trainer) -> Array:
    return of.replicas.theta.value.copy()


@pytest.mark.parametrize("kind", KINDS)
def test_unmoved_gives_back_the_state(kind: str) -> None:
    rng, twin = KINDS[kind](), KINDS[kind]()
    draw(rng), draw(twin)
    with unmoved(sources(rng)):
        draw(rng)
    assert draw(rng) == draw(twin)


def test_a_module_that_is_passed_on_holds_nothing() -> None:
    """Of a module only what a function takes from it is looked at."""

    class Passing(Tanh):
        def forward(self, x: Array) -> tuple[Array, Backward]:
            assert repr(np)
            return super().forward(x)

    assert sources(Passing()) == []
    assert shared(Passing()) == []


# Noise


@pytest.mark.parametrize("kind", KINDS)
def test_every_micro_batch_has_noise_of_its_own(kind: str) -> None:
    """Two epochs of two steps of four micro-batches, and the same again."""

    def noises() -> list[float]:
        run = trainer(tiny.autoencoder(Noise(KINDS[kind]())))
        HEARD.clear()
        run.fit(IMAGES, epochs=2)
        return sorted(HEARD)

    first = noises()
    assert len(set(first)) == len(first) == 2 * 2 * 4
    assert noises() == first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_noise_does_not_depend_on_threads(kind: str, replicas: int) -> None:
    def trained(threads: int) -> Array:
        run = trainer(tiny.autoencoder(Noise(KINDS[kind]())), threads, replicas)
        run.fit(IMAGES, epochs=2, validation=IMAGES[:20])
        return theta(run)

    np.testing.assert_array_equal(trained(1), trained(2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_has_the_same_noise(kind: str, tmp_path: Path) -> None:
    straight, stopped, again = (trainer(tiny.autoencoder(Noise(KINDS[kind]()))) for _ in range(3))
    straight.fit(IMAGES, epochs=3)
    stopped.fit(IMAGES, epochs=1, checkpoint=tmp_path / "run.safetensors")
    again.resume(tmp_path / "run.safetensors")
    again.fit(IMAGES, epochs=3)
    np.testing.assert_array_equal(theta(again), theta(straight))


def test_evaluation_has_the_same_noise_at_every_call() -> None:
    run = trainer(tiny.autoencoder(Noise(np.random.default_rng(3))), threads=2)
    terms = [run.evaluate(tiny.images(700)) for _ in range(3)]
    assert terms[0] == terms[1] == terms[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_keeps_the_kind_and_is_a_function_of_the_place(kind: str) -> None:
    rng = KINDS[kind]()
    (source,) = sources([rng])
    drawn = []
    for place in ((1, 2), (1, 3), (1, 2)):
        draw(rng)
        restart(source, *place)
        drawn.append([draw(rng), draw(rng), draw(rng)])
    assert drawn[0] == drawn[2] != drawn[1]
    assert sources([rng])[0] is source


class Slots(Noise):
    __slots__ = ()


@dataclass
class Record(Noise):
    seed: int
    rng: Any = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)


class InList(Noise):
    def __init__(self, rng: Any) -> None:
        self.rngs = deque([{"one": (rng,)}])

    def next(self) -> float:
        return draw(self.rngs[0]["one"][0])


class OfMethod(Noise):
    def __init__(self, rng: Any) -> None:
        self.gauss = rng.normal

    def next(self) -> float:
        return float(self.gauss())


class OfPartial(Noise):
    def __init__(self, rng: Any) -> None:
        self.gauss = functools.partial(draw, rng)

    def next(self) -> float:
        return float(self.gauss())


class Two(Noise):
    def __init__(self, rng: Any) -> None:
        self.rng, self.other, self.same = rng, np.random.default_rng(7), rng

    def next(self) -> float:
        return draw(self.rng) + 2 * draw(self.other) + 3 * draw(self.same)


WAYS: dict[str, Callable[[], Any]] = {
    "slots": lambda: Slots(np.random.default_rng(3)),
    "dataclass": lambda: Record(3),
    "in containers": lambda: InList(np.random.default_rng(3)),
    "a method of a generator": lambda: OfMethod(np.random.default_rng(3)),
    "a partial": lambda: OfPartial(np.random.default_rng(3)),
    "two": lambda: Two(np.random.default_rng(3)),
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_hold_a_generator(way: str) -> None:
    def noises(threads: int) -> tuple[list[float], Array]:
        run = trainer(tiny.autoencoder(WAYS[way]()), threads)
        HEARD.clear()
        run.fit(IMAGES, epochs=2)
        return sorted(HEARD), theta(run)

    (one, of_one), (two, of_two) = noises(1), noises(2)
    assert one == two
    assert len(set(one)) == 16
    np.testing.assert_array_equal(of_one, of_two)


class Penalty:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(5)

    def __call__(self, z: Array) -> tuple[float, Array]:
        weight = z.dtype.type(self.rng.random())
        HEARD.append(float(weight))
        return float(weight * (z * z).sum()), 2 * weight * z


class Corruption(Penalty):
    def __call__(self, x: Array, *, rng: np.random.Generator) -> Any:
        HEARD.append(float(self.rng.random()))
        return x * x.dtype.type(HEARD[-1])

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Likelihood(Gaussian):
    def nll(self, a: Array, t: Array) -> tuple[float, Array]:
        HEARD.append(float(self.__dict__["rng"].random()))
        return super().nll(a, t + a.dtype.type(0.1 * HEARD[-1]))


def noisy_likelihood() -> Any:
    likelihood = Likelihood()
    likelihood.__dict__["rng"] = np.random.default_rng(5)
    return likelihood


PARTS: dict[str, Callable[[], Any]] = {
    "penalty": lambda: tiny.autoencoder(penalties={"mine": (0.1, Penalty())}),
    "corruption": lambda: tiny.autoencoder(corruption=Corruption()),
    "likelihood": lambda: tiny.autoencoder(likelihood=noisy_likelihood()),
}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_may_hold_a_generator(part: str) -> None:
    def noises(threads: int) -> tuple[list[float], Array]:
        run = trainer(PARTS[part](), threads)
        HEARD.clear()
        run.fit(IMAGES, epochs=2)
        return sorted(HEARD), theta(run)

    (one, of_one), (two, of_two) = noises(1), noises(2)
    assert one == two
    assert len(set(one)) == 16
    np.testing.assert_array_equal(of_one, of_two)


def test_a_prior_may_hold_a_generator() -> None:
    class Prior:
        def __init__(self) -> None:
            self.rng = np.random.default_rng(5)

        def __call__(self, L: int, N: int, *, rng: np.random.Generator, dtype: Any) -> Array:
            return self.rng.standard_normal((L, N)).astype(dtype)

    judge = Dense(tiny.L, 1, rng=np.random.default_rng(0))
    parts = tiny.encoder(tiny.L), tiny.decoder(), judge
    model = AdversarialAutoencoder(*parts, input_shape=(tiny.D,), prior=Prior())
    replicas = Replicas(model, 2)
    assert [len(found) for found in replicas.sources] == [1, 1]
    assert replicas.sources[0][0] is not replicas.sources[1][0]


# What copies would share


def closure() -> Any:
    rng = np.random.default_rng(3)

    class Own(Tanh):
        def forward(self, x: Array) -> tuple[Array, Backward]:
            return super().forward(x + x.dtype.type(rng.random()))

    return Own()


def default() -> Any:
    class Own(Tanh):
        def forward(self, x: Array, rng: Any = np.random.default_rng(3)) -> Any:  # noqa: B008
            return super().forward(x + x.dtype.type(rng.random()))

    return Own()


def lambda_attribute() -> Any:
    rng, own = np.random.RandomState(3), Noise(None)
    own.next = lambda: float(rng.normal())  # type: ignore[method-assign]
    return own


def of_a_class() -> Any:
    class Own(Noise):
        rng = random.Random(3)

        def __init__(self) -> None:
            pass

    return Own()


def global_name() -> Any:
    class Own(Noise):
        def next(self) -> float:
            return float(GLOBAL.normal())

    return Own(None)


def helper() -> float:
    return float(GLOBAL.normal())


def global_function() -> Any:
    class Own(Noise):
        def next(self) -> float:
            return helper()

    return Own(None)


def legacy_numpy() -> Any:
    class Own(Noise):
        def next(self) -> float:
            return float(np.random.normal())  # noqa: NPY002

    return Own(None)


def the_modules_own() -> Any:
    class Own(Noise):
        def next(self) -> float:
            return sum(random.random() for _ in range(2))

    return Own(None)


def builtin_method() -> Any:
    own = Noise(None)
    own.next = random.Random(3).random  # type: ignore[method-assign]
    return own


def partial_of_a_closure() -> Any:
    rng, own = np.random.default_rng(3), Noise(None)
    own.next = functools.partial(lambda scale: float(scale * rng.normal()), 2.0)  # type: ignore[method-assign]
    return own


def weak() -> Any:
    class Own(Noise):
        def next(self) -> float:
            return draw(self.rng().rng)

    own = Own(None)
    own.rng = weakref.ref(KEPT)
    return own


KEPT = Noise(np.random.default_rng(3))

HIDDEN = [
    *(closure, default, lambda_attribute, of_a_class, global_name, global_function),
    *(legacy_numpy, the_modules_own, builtin_method, partial_of_a_closure, weak),
]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_generator_that_copies_would_share_is_refused(hidden: Any, replicas: int) -> None:
    with pytest.raises(ValueError, match=r"Replicas: .* draws from a generator .* hold it in"):
        trainer(tiny.autoencoder(hidden()), replicas=replicas)


def test_a_function_for_a_penalty_is_searched_too() -> None:
    rng = np.random.default_rng(3)

    def penalty(z: Array) -> tuple[float, Array]:
        weight = z.dtype.type(rng.random())
        return float(weight * (z * z).sum()), 2 * weight * z

    with pytest.raises(ValueError, match="penalty draws from a generator"):
        trainer(tiny.autoencoder(penalties={"mine": (1.0, penalty)}))


def test_a_generator_that_only_the_system_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="whose state can be set, got a SystemRandom"):
        trainer(tiny.autoencoder(Noise(random.SystemRandom())))


class Innocent(Tanh):
    """Nothing here is shared, though it looks alike."""

    rng = np.random.default_rng(3)

    def __init__(self) -> None:
        self.w = Parameter((GLOBAL.random(1) + 1).astype(np.float32))
        self.rng = np.random.default_rng(4)  # instead of the class's
        self.GLOBAL = 1.0

    def parameters(self) -> dict[str, Parameter]:
        return {"scale": self.w}

    @functools.lru_cache  # noqa: B019
    def table(self, D: int) -> Array:
        return np.arange(D) % 2

    def forward(self, x: Array) -> tuple[Array, Backward]:
        mask = self.table(len(x)).astype(x.dtype)[:, None] * np.ones(1, x.dtype)
        np.random.default_rng(len(x)).random()
        scale = self.w.value * x.dtype.type(self.GLOBAL)

        def backward(dy: Array) -> Array:
            self.w.grad += (dy * mask * x).sum()
            return scale * mask * dy

        return scale * mask * x, backward


def test_what_is_not_shared_is_not_refused() -> None:
    layer = Innocent()
    assert shared(layer) == []
    run = trainer(tiny.autoencoder(layer))
    run.fit(IMAGES, epochs=1)
    assert shared(run.model) == []


# Copies


class Own(Tanh):
    """y = s x, whatever else it holds."""

    def __init__(self, held: Any = None) -> None:
        self.s, self.held = Parameter(np.full(1, 1.5)), held

    def parameters(self) -> dict[str, Parameter]:
        return {"scale": self.s}

    def forward(self, x: Array) -> tuple[Array, Backward]:
        s = self.s.value

        def backward(dy: Array) -> Array:
            self.s.grad += (dy * x).sum()
            return s * dy

        return s * x, backward


class WithLock(Own):
    def __deepcopy__(self, memo: dict[int, Any]) -> "WithLock":
        twin = WithLock(threading.Lock())
        twin.s = copy.deepcopy(self.s, memo)
        return twin


class WithSlots:
    __slots__ = ("s",)
    output_shape, forward, parameters = Tanh.output_shape, Own.forward, Own.parameters

    def __init__(self) -> None:
        self.s = Parameter(np.full(1, 1.5))


@dataclass(frozen=True, slots=True)
class Frozen:
    s: Parameter
    output_shape, forward, parameters = Tanh.output_shape, Own.forward, Own.parameters


class WithProperty(Own):
    @property
    def theta(self) -> dict[str, Parameter]:
        return {"scale": self.s}

    def parameters(self) -> dict[str, Parameter]:
        return self.theta


GOOD: dict[str, Callable[[], Any]] = {
    "a lock that it copies itself": lambda: WithLock(threading.Lock()),
    "slots": WithSlots,
    "a frozen dataclass with slots": lambda: Frozen(Parameter(np.full(1, 1.5))),
    "a property": WithProperty,
    "a closure over numbers": lambda: Own([lambda x, a=(1.0, 2.0): x + a[0]]),
    "a weak reference": lambda: Own(weakref.ref(KEPT_LAYER)),
    "a cache": lambda: Own({(3, 4): np.ones((3, 4))}),
    "a cached function": lambda: Own(functools.cache(len)),
    "itself": lambda: (own := Own(), setattr(own, "held", own))[0],
    "a method of itself": lambda: (own := Own(), setattr(own, "held", own.forward))[0],
}
KEPT_LAYER = Own()


@pytest.mark.parametrize("kind", GOOD)
def test_what_python_copies_has_a_replica(kind: str) -> None:
    """Two replicas add up the gradient of the whole batch, each in its own row."""
    x = np.random.default_rng(1).random((tiny.D, 12))
    replicas = Replicas(tiny.autoencoder(GOOD[kind](), dtype=np.float64), 2)
    whole = Replicas(tiny.autoencoder(GOOD[kind](), dtype=np.float64), 1)
    whole.models[0].loss(x)[1](1.0)
    for model, piece in zip(replicas.models, (x[:, :6], x[:, 6:]), strict=True):
        model.loss(piece)[1](0.5)
    assert all(grad.all() for grad in replicas.grads)
    np.testing.assert_allclose(replicas.grads.sum(axis=0), whole.grads[0], rtol=1e-12, atol=1e-14)


def capturing_itself() -> Any:
    own = Own()
    own.forward = lambda x: Own.forward(own, x)  # type: ignore[method-assign]
    return own


def of_a_function() -> Any:
    s, own = Parameter(np.full(1, 1.5)), Own()
    own.parameters = lambda: {"scale": s}  # type: ignore[method-assign]
    return own


class WithNewParameters(Own):
    def __deepcopy__(self, memo: dict[int, Any]) -> Own:
        return WithNewParameters()


class WithItself(Own):
    def __deepcopy__(self, memo: dict[int, Any]) -> Own:
        return self


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a lock": (lambda: Own(threading.Lock()), "replica: Autoencoder cannot be copied: .*lock"),
    "a function of itself": (capturing_itself, "reads a Parameter .* replicas=1"),
    "parameters of a function": (of_a_function, "reads a Parameter .* replicas=1"),
    "values of its own": (WithNewParameters, "expected a copy of Autoencoder to have Parameters"),
    "no copy at all": (WithItself, "expected a copy of Autoencoder to have Parameters"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_copies_would_break_is_refused_in_words(kind: str) -> None:
    make, message = BAD[kind]
    with pytest.raises(ValueError, match=message):
        Replicas(tiny.autoencoder(make(), dtype=np.float64), 2)
    Replicas(tiny.autoencoder(make(), dtype=np.float64), 1)


def test_a_value_kept_beside_its_parameter_is_refused() -> None:
    """θ moves into one vector, and the array that was kept would never learn."""

    class Kept(Own):
        def __init__(self) -> None:
            super().__init__()
            self.view = self.s.value[:]

    with pytest.raises(ValueError, match=r"holds a Parameter's value, \(1,\) float64, beside"):
        Replicas(tiny.autoencoder(Kept(), dtype=np.float64), 1)


# Models and trainers that their users copy


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_trained_model_goes_its_own_way(how: Callable[[Any], Any]) -> None:
    run = trainer(tiny.vae())
    run.fit(IMAGES, epochs=1)
    model, codes = how(run.model), run.model.encode(IMAGES)
    np.testing.assert_array_equal(model.encode(IMAGES), codes)
    trainer(model).fit(IMAGES, epochs=1)
    assert not np.array_equal(model.encode(IMAGES), codes)
    np.testing.assert_array_equal(run.model.encode(IMAGES), codes)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("layer", [Tanh, lambda: BatchNorm(tiny.H)])
def test_a_copy_of_a_trainer_goes_on_as_the_trainer_would(
    how: Callable[[Any], Any], layer: Callable[[], Any]
) -> None:
    run = trainer(tiny.vae(layer()))
    run.fit(IMAGES, epochs=1)
    run.replicas.theta.grad += 1
    twin = how(run)
    np.testing.assert_array_equal(twin.replicas.grads, run.replicas.grads)
    before = theta(run)
    twin.fit(IMAGES, epochs=3)
    np.testing.assert_array_equal(theta(run), before)
    run.fit(IMAGES, epochs=3)
    np.testing.assert_array_equal(theta(twin), theta(run))
    assert twin.model is twin.replicas.models[0]
    np.testing.assert_array_equal(twin.model.encode(IMAGES), run.model.encode(IMAGES))


class Library:
    """Like a foreign library's handle: it makes up even its `__dict__`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> "Library":
        return self


def test_what_makes_attributes_up_is_walked_without_asking_it() -> None:
    part = Tanh()
    part.handle = Library()  # type: ignore[attr-defined]
    assert list(sources(part)) == []


def test_what_an_installed_library_does_is_its_own_affair() -> None:
    """A layer that calls Hypothesis, whose modules draw from generators of their own."""
    import hypothesis.internal.entropy as entropy

    class Calling(Tanh):
        def forward(self, x: Array) -> tuple[Array, Backward]:
            assert entropy.deterministic_PRNG
            return super().forward(x)

    assert list(shared(Calling())) == []
