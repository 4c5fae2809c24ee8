"""How a claim about an answer is tried.

A grader is a function of a Trial. It states one claim after the other:

    with trial.claim("forward: y = w x + b"):
        (y,) = trial.call("forward", {"x": x, "w": w, "b": b}, "y")
        trial.equal("y", y, w @ x + b[:, None])

A claim that fails ends its block and is recorded with what was found; the next one is tried.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from ..core import Array
from ..gradcheck.numerical import place
from ..gradcheck.promises import broken_promises
from .diagnosis import Suspects, close, likely, of_shape
from .guard import NotAllowed, hidden
from .problem import Finding, Problem


class Refuted(Exception):
    """A claim is wrong: what was found, and the likely mistake."""

    def __init__(self, found: str, likely: str = "") -> None:
        super().__init__(found)
        self.found, self.likely = found, likely


class TimeUp(BaseException):
    """The time limit has passed; no Exception, since answers may catch those."""


class Trial:
    """The functions of an answer, a random generator, and what has been found."""

    def __init__(
        self, answer: Mapping[str, Any], rng: np.random.Generator, path: str = "", source: str = ""
    ) -> None:
        self.answer, self.rng, self.path = answer, rng, path
        self.lines = source.splitlines()
        self.findings: list[Finding] = []
        self.free = False  # may the answer use nnscratch?

    @property
    def ok(self) -> bool:
        """Does every claim hold?"""
        return all(finding.ok for finding in self.findings)

    @contextmanager
    def claim(self, words: str) -> Iterator[None]:
        """State a claim; what is raised inside refutes it."""
        self.evidence = ""
        try:
            yield
        except Refuted as refuted:
            self.findings.append(Finding(words, False, refuted.found, refuted.likely))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            found, likely = self.crash(error)
            self.findings.append(Finding(words, False, found, likely))
            if isinstance(error, NotAllowed | TimeUp):
                raise
        else:
            self.findings.append(Finding(words, True, self.evidence))

    def crash(self, error: BaseException) -> tuple[str, str]:
        """Return where an answer crashed, and what that means."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno or 0 for frame in frames if frame.filename == self.path]
        if not lines:
            where = "in the checker, not in your file; please report this\n"
        else:
            text = self.lines[lines[-1] - 1].strip() if lines[-1] <= len(self.lines) else ""
            where = f"line {lines[-1]}: {text}\n"
        if isinstance(error, NotImplementedError):
            return f"{where}not written yet", "replace `raise NotImplementedError` by your lines"
        if isinstance(error, TimeUp):
            return f"{where}still running after {error.args[0]:g} s", "a loop that does not end?"
        found = f"{where}{type(error).__name__}: {error}"
        shapes = ("broadcast", "matmul", "aligned", "mismatch", "dimension", "subscripts")
        if isinstance(error, ValueError | IndexError) and any(s in str(error) for s in shapes):
            return found, (
                "two shapes do not fit here: a transpose, or an axis ([:, None]) is missing or too "
                "much"
            )
        if isinstance(error, FloatingPointError):
            return found, (
                "an overflow, a division by zero or 0/0: exp of a large number, or log of 0; "
                "rewrite the formula so that exp never gets a large positive number"
            )
        return found, ""

    def call(self, function: str, arguments: dict[str, Any], returns: str) -> list[Array]:
        """Call a function of the answer with copies of the arguments.

        Returns
            one array for each of the names in `returns`, as float64.

        Raises
            Refuted if there is no such function, it changes an argument, or returns something else.
        """
        f, names = self.answer.get(function), returns.split()
        if not callable(f):
            raise Refuted(f"there is no function `{function}` in the file")
        lent = {name: np.copy(a) if np.ndim(a) else a for name, a in arguments.items()}
        with nullcontext() if self.free else hidden():
            result = f(*lent.values())
        for name, a in lent.items():
            if not np.array_equal(a, arguments[name], equal_nan=np.asarray(a).dtype.kind in "fc"):
                raise Refuted(
                    f"`{function}` changes its argument {name}",
                    "an operation in place (+=, *=, [...] =, np.add(…, out=…)) on what the caller "
                    "still needs: work on a copy",
                )
        if result is None:
            raise Refuted(f"`{function}` returns None", "a `return` is missing")
        if len(names) == 1 and not isinstance(result, tuple):
            result = (result,)
        if not isinstance(result, tuple | list) or len(result) != len(names):
            got = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
            raise Refuted(f"`{function}` returns {got}; expected {', '.join(names)}")
        return [self._array(function, name, a) for name, a in zip(names, result, strict=True)]

    def _array(self, function: str, name: str, a: Any) -> Array:
        """Return one of the results as float64."""
        try:
            found = np.asarray(a)
        except ValueError:
            found = np.asarray(None)
        if found.dtype.kind == "c" and not np.iscomplex(found).any():
            found = found.real
        if found.dtype.kind not in "fiub":
            raise Refuted(
                f"`{function}` returns for {name} {type(a).__name__}; expected real numbers"
            )
        return found.astype(np.float64)

    def equal(
        self,
        name: str,
        got: Any,
        want: Any,
        suspects: Suspects | None = None,
        *,
        rtol: float = 1e-9,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        """Compare two arrays, all entries.

        Raises
            Refuted with the entry at which they differ most, both numbers and the likely mistake.
        """
        got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
        if got.shape != want.shape:
            other = {words: np.asarray(a) for words, a in (suspects or {}).items()}
            known = [words for words, a in other.items() if a.ndim and close(got, a, 1e-6)]
            raise Refuted(f"{name} has another shape", (known or [of_shape(name, got, want)])[0])
        self.evidence = f"{want.size} entries" if want.ndim else f"{float(want):.6g}"
        if close(got, want, rtol):
            return
        errors = np.where(np.isfinite(got), np.abs(got - want), np.inf)
        i = place(want, int(errors.argmax()))
        a, b = float(got[i]), float(want[i])
        entry = f"{name}[{', '.join(map(str, i))}]" if want.ndim else name
        ratio = f", their ratio {a / b:.6g}" if b and np.isfinite(a) else ""
        found = f"{entry} is {a:.8g}, expected {b:.8g}{ratio}"
        raise Refuted(found, likely(got, want, suspects or {}, sizes or {}))

    def gradients(
        self,
        function: str,
        problem: Problem,
        arguments: Callable[[Any], dict[str, Any]],
        suspects: Callable[[Any], Mapping[str, Suspects]] = lambda dy: {},
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        """Compare every gradient that `function` returns, all entries, with derivatives of f.

        arguments  what `function` is called with, given dy
        suspects   wrong answers for each of the gradients, given dy
        """
        dy, want = problem.derivatives(self.rng)
        step = "the complex step" if problem.analytic else "differences"
        returns = " ".join(f"d{name}" for name in want)
        rtol = 1e-9 if problem.analytic else 1e-6
        for i, (name, d) in enumerate(want.items()):
            with self.claim(f"{function}: d{name} is ∂L/∂{name}, by {step}"):
                got = self.call(function, arguments(dy), returns)[i]
                wrong = suspects(dy).get(name, {})
                self.equal(f"d{name}", got, d, wrong, rtol=rtol, sizes=sizes)

    def promises(
        self, function: str, problem: Problem, arguments: Callable[..., dict[str, Any]]
    ) -> None:
        """Try what else a backward promises: the same again, and in any order of the axes.

        arguments  what `function` is called with, given dy and the inputs
        """
        returns = " ".join(f"d{name}" for name in problem.inputs)

        def backward(dy: Any, *inputs: Array) -> Any:
            return tuple(self.call(function, arguments(dy, *inputs), returns))

        with self.claim(f"{function}: the same when called again, or with axes in another order"):
            broken = list(broken_promises(problem.subject(self.rng, backward), 1e-9))
            if broken:
                kept = "something is kept between calls, or drawn at random"
                raise Refuted(broken[0], kept if "is another" in broken[0] else "")
