"""Every number that an explanation shows is computed again, from the line that stands beside it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as nn
from nnscratch.core import Array, Parameter
from nnscratch.explain import EXAMPLES, Explanation, example, explain
from nnscratch.explain.__main__ import main
from nnscratch.explain.examples import tenths
from nnscratch.explain.text import cell
from nnscratch.explain.trace import HERE, Step, in_tuple, shown
from nnscratch.gradcheck.certificates import cases

pytestmark = pytest.mark.plain

EACH = pytest.mark.parametrize("name", EXAMPLES)


def rerun(step: Step) -> dict[str, Array]:
    """Run the text of a step on what it started from; return what is there afterwards."""
    names = {k: a.copy() if isinstance(a, np.ndarray) else a for k, a in step.before.items()}
    with nn.plain():
        if step.text.startswith("return"):
            result = eval(step.text.removeprefix("return "), names)
            return in_tuple(result)
        exec(step.text, names)
    names.pop("__builtins__")
    return {k + part: a for k, value in names.items() for part, a in shown(value).items()}


def parameters_in(step: Step) -> list[Parameter]:
    return [p for p in step.before.values() if isinstance(p, Parameter)]


@EACH
def test_each_line_computes_what_stands_below_it(name: str) -> None:
    """Gradients of parameters are compared in the next test: they belong to no line alone."""
    found = example(name)
    count = 0
    for step in (s for top in (*found.forward, *found.backward) for s in top):
        source = (HERE / step.file).read_text().splitlines()[step.line - 1]
        assert step.text.split()[0] in source
        values = [v for v in step.values if not v.name.endswith(".grad")]
        if values:
            again = rerun(step)
            for value in values:
                np.testing.assert_allclose(again[value.name], value.array, 1e-13, 1e-15)
                count += 1
    assert count >= 1


@EACH
def test_gradients_are_those_of_the_kernels_and_of_differences(name: str) -> None:
    found = example(name)
    make, shapes, constants = EXAMPLES[name]
    layer = make(np.random.default_rng(0))
    inputs = [v.array.copy() for v in found.inputs[: len(shapes)]]
    theta = layer.parameters() if hasattr(layer, "parameters") else {}
    given = {v.name: v.array for v in found.inputs}
    for k, p in theta.items():
        p.value[...] = given[k]
    seed = int(np.random.default_rng(0).integers(2**32))  # of the noise

    def forward() -> Any:
        noise = {"rng": np.random.default_rng(seed)} if getattr(layer, "noisy", False) else {}
        return getattr(layer, "forward", layer)(*inputs, *constants, **noise)

    y, backward = forward()
    np.testing.assert_allclose(y, found.y, rtol=1e-12, atol=1e-14)
    dy = 1.0 if found.dy is None else found.dy
    gradients = backward(dy) if callable(backward) else backward
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    arrays = [*inputs, *(p.value for p in theta.values())]
    got = [d for d in gradients if d is not None]  # tokens have none
    got += [p.grad for p in theta.values()]
    assert len(got) == len(found.gradients)
    h = 1e-5
    for a, da, gradient in zip(arrays, got, found.gradients, strict=True):
        np.testing.assert_allclose(gradient.backward, da, rtol=1e-11, atol=1e-13)
        jacobian = np.zeros((*a.shape, *np.shape(y)))
        for i in np.ndindex(a.shape):
            here = a[i]
            a[i] = here + h
            above = np.copy(forward()[0])
            a[i] = here - h
            jacobian[i] = (above - forward()[0]) / (2 * h)
            a[i] = here
        axes = tuple(range(a.ndim, jacobian.ndim))
        np.testing.assert_allclose(gradient.difference, (jacobian * dy).sum(axes), atol=1e-7)
        for term in gradient.terms:
            assert term.dy == np.asarray(dy)[term.j]
            assert term.backward == pytest.approx(jacobian[gradient.i][term.j], abs=1e-8)
            assert term.difference == pytest.approx(jacobian[gradient.i][term.j], abs=1e-8)
        total = sum(term.dy * term.backward for term in gradient.terms)
        assert total == pytest.approx(gradient.backward[gradient.i], abs=1e-12)
        assert len(gradient.terms) == (np.abs(jacobian[gradient.i]) > 1e-8).sum()
    last = {v.name: v.array for top in found.backward for s in top for v in s.values}
    for k, p in theta.items():
        np.testing.assert_allclose(last[f"{k}.grad"], p.grad, rtol=1e-11, atol=1e-13)


def expected_numbers(e: Explanation) -> Iterator[float]:
    """All the numbers of an explanation, in the order in which they are shown."""

    def entries(name: str, a: Array) -> Iterator[float]:
        filters = {v.array.shape for v in e.inputs if v.name in e.parameters}
        if a.ndim > 2 and a.shape[-1] == e.batch and a.shape not in filters:
            a = np.moveaxis(a, -1, -3)  # an image of each sample
        yield from a.ravel()

    def of_steps(steps: list[Step]) -> Iterator[float]:
        for step in steps:
            yield from of_steps(step.steps)
            for value in step.values:
                yield from entries(value.name, value.array)

    for value in e.inputs:
        yield from entries(value.name, value.array)
    yield from of_steps(e.forward)
    if e.dy is not None:
        yield from entries("dy", e.dy)
    yield from of_steps(e.backward)
    for g in e.gradients:
        yield from entries(g.name, g.backward)
        yield from entries(g.name, g.difference)
        for t in g.terms:
            yield from (t.dy, t.backward, t.difference, t.dy * t.backward)
        yield g.backward[g.i]


def close(word: str, number: float) -> bool:
    if not np.isfinite(number):
        return word == str(number)
    return abs(float(word) - number) <= max(
        0.5001e-4 if abs(number) > 1e-3 else 0, 6e-4 * abs(number), 1e-9
    )


@EACH
def test_the_page_shows_these_numbers_and_no_others(name: str) -> None:
    found = example(name)
    words = re.findall(r"<td[^>]*>([^<]*)</td>", found.html())
    shown_numbers = [w for w in words if re.fullmatch(r"[-+]?[\d.]+(e[-+]\d+)?|-?inf", w)]
    want = list(expected_numbers(found))
    assert len(shown_numbers) == len(want)
    assert all(close(word, number) for word, number in zip(shown_numbers, want, strict=True))
    others = set(words) - set(shown_numbers) - {""}
    assert all(re.match(r"y(\[|$)|∂L/∂", word) for word in others), others


@EACH
def test_the_text_has_the_rows_of_the_page(name: str) -> None:
    found = example(name)
    lines = [line.split() for line in str(found).splitlines()]
    at = 0
    for row in re.findall(r"<tr>(<td.*?)</tr>", found.html()):
        words = " ".join(re.findall(r"<td[^>]*>([^<]*)</td>", row)).split()
        while lines[at][-len(words) :] != words:
            at += 1
        at += 1
    assert max(map(len, str(found).splitlines())) <= 101


@pytest.mark.parametrize(
    ("number", "words"),
    [
        *((0.5, "0.5"), (-3.0, "-3"), (1.99998, "2.0"), (0.00012345, "1.234e-04"), (1e-12, "0")),
        *((123456.7, "1.235e+05"), (np.inf, "inf"), (np.nan, "nan"), (2e9, "2.000e+09")),
    ],
)
def test_a_number_is_written_with_four_decimals(number: float, words: str) -> None:
    assert cell(number) == words


def test_every_certificate_has_an_example() -> None:
    assert list(EXAMPLES) == [name for name, *_ in cases(np.random.default_rng(0))]


@EACH
def test_a_page_needs_nothing_else(name: str) -> None:
    html = example(name).html()
    assert not re.search(r"https?:|src=|href=|<script|@import|url\(", html)
    assert html.startswith("<!doctype html>")
    assert 'name="viewport"' in html


# A layer of one's own


class Square:
    """y = a x², a layer that somebody has written."""

    def __init__(self) -> None:
        self.a = Parameter(np.array([3.0]))

    def forward(self, x: Array) -> Any:
        squares = x * x
        y = self.a.value * squares

        def backward(dy: Array) -> Array:
            self.a.grad += (dy * squares).sum()
            return 2 * self.a.value * x * dy

        return y, backward

    def output_shape(self, shape: Any) -> Any:
        return shape

    def parameters(self) -> dict[str, Parameter]:
        return {"a": self.a}


def test_a_layer_of_ones_own() -> None:
    layer, x, dy = Square(), np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]])
    layer.a.grad[...] = 7
    found = explain(layer, x, dy)
    texts = [step.text for step in found.forward]
    assert texts == ["squares = x * x", "y = self.a.value * squares"]
    assert [v.name for step in found.backward for v in step.values] == ["a.grad", "result"]
    np.testing.assert_array_equal(found.gradients[0].backward, [[6.0, -12.0]])
    np.testing.assert_array_equal(found.gradients[1].backward, [-3.0])
    assert layer.a.grad == 7
    assert "test_explain.py" in str(found)
    assert "y = a x²" in found.html()


def test_a_wrong_backward_is_seen() -> None:
    class Wrong(Square):
        def forward(self, x: Array) -> Any:
            return x * x, lambda dy: x * dy

    found = explain(Wrong(), np.array([[1.0, 2.0]]), np.ones((1, 2)))
    gradient = found.gradients[0]
    np.testing.assert_allclose(gradient.difference, 2 * gradient.backward)
    assert "differ by 2e+00" in str(found)


def test_a_loss_of_ones_own_and_a_layer_without_source() -> None:
    def loss(y: Array) -> Any:
        value = float(y.sum()) ** 2
        return value, 2 * y.sum() * np.ones_like(y)

    assert [step.text for step in explain(loss, tenths((2, 2), np.random.default_rng(0))).forward]
    names: dict[str, Any] = {}
    exec("def double(x):\n    return 2 * x, lambda dy: 2 * dy", names)
    found = explain(names["double"], np.ones((2, 1)))
    assert found.forward == []
    np.testing.assert_allclose(found.gradients[0].backward, found.gradients[0].difference)


def test_what_it_runs_is_as_it_was() -> None:
    def trace(*_: Any) -> None:
        return None

    norm = nn.layers.BatchNorm(2, dtype=np.float64)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        explain(norm, tenths((2, 3), np.random.default_rng(0)))
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
    np.testing.assert_array_equal(norm.running_mean, np.zeros(2))
    assert not norm.parameters()["weight"].grad.any()


def test_large_arrays_are_cut() -> None:
    found = explain(nn.Tanh(), np.random.default_rng(0).standard_normal((20, 30)))
    assert "…" in str(found)
    assert max(map(len, str(found).splitlines())) <= 120


@pytest.mark.parametrize(
    ("x", "dy", "words"),
    [
        (
            np.ones((1, 2), np.float32),
            None,
            r"explain x: expected numbers in float64, got \(1, 2\)",
        ),
        (np.ones((1, 0)), None, "expected numbers in float64"),
        (np.ones((1, 2)), np.ones((2, 1)), r"explain dy: expected \(1, 2\) float64, got \(2, 1\)"),
    ],
)
def test_refuses(x: Array, dy: Array | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        explain(Square(), x, dy)


# The command


def test_the_command_lists_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == list(EXAMPLES)


@pytest.mark.parametrize(
    ("name", "near"),
    [("dense", "did you mean 'Dense'"), ("Conv", "'Conv2d'"), ("zzz", "got 'zzz'\n")],
)
def test_an_unknown_name_is_refused(
    name: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name]) == 2
    said = capsys.readouterr()
    assert near in said.err
    assert said.out == ""


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Tanh", "--html", str(tmp_path / "tanh.html")]) == 0
    assert (tmp_path / "tanh.html").read_text("utf-8") == example("Tanh").html()
    assert "tanh.html" in capsys.readouterr().out


def test_the_command_as_it_is_typed() -> None:
    run = [sys.executable, "-m", "nnscratch.explain", "Sigmoid"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout == f"{example('Sigmoid')}\n"
