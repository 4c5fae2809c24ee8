"""An explanation as a page: one file, without a script, a font or a picture from elsewhere."""

from collections.abc import Iterator
from html import escape

from .explanation import Explanation, Gradient
from .text import Table, disagreement, tables, terms
from .trace import Step, Value

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --minus: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --minus: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
pre, code, table { font: 14px/1.45 ui-monospace, Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: var(--soft); padding: .8rem; border-radius: 6px; }
.step { border-left: 2px solid var(--line); padding: .2rem 0 .2rem .8rem; margin: .7rem 0; }
.step > code { display: block; white-space: pre-wrap; overflow-wrap: anywhere; font-weight: 600; }
.where { color: GrayText; font-size: .8rem; }
.values { display: flex; flex-wrap: wrap; gap: .6rem 1.4rem; margin: .4rem 0; }
figure { margin: 0; max-width: 100%; overflow-x: auto; }
figcaption { font-size: .85rem; } figcaption b { font-family: ui-monospace, monospace; }
td, th { text-align: right; padding: .05rem .55rem; font-weight: normal; white-space: nowrap; }
.matrix { border-collapse: collapse; border-left: 1.5px solid; border-right: 1.5px solid; }
.matrix { margin: .15rem 0 .3rem; } .minus { color: var(--minus); }
.terms { border-collapse: collapse; margin: .5rem 0 0; } .terms th { color: GrayText; }
.terms tr:last-child td { border-top: 1px solid; font-weight: 600; }
"""


def page(e: Explanation) -> str:
    """Return the HTML."""
    return "\n".join(_lines(e)) + "\n"


def _lines(e: Explanation) -> Iterator[str]:
    title = escape(e.title)
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
    if e.doc:
        yield f"<pre>{escape(e.doc)}</pre>"
    yield "<h2>The example</h2>"
    yield from _values(e, e.inputs)
    yield "<h2>Forward, line by line</h2>"
    for step in e.forward:
        yield from _step(e, step)
    if e.dy is not None:
        yield "<h2>Backward, line by line</h2>"
        yield from _values(e, [Value("dy", e.dy)])
        for step in e.backward:
            yield from _step(e, step)
    yield "<h2>The chain rule, beside finite differences</h2>"
    for gradient in e.gradients:
        yield from _gradient(e, gradient)
    yield "</body></html>"


def _values(e: Explanation, values: list[Value]) -> Iterator[str]:
    yield '<div class="values">'
    for value in values:
        shape = f" {value.array.shape}" if value.array.ndim else ""
        for label, table in tables(e, value):
            words = f"<b>{escape(value.name)}</b>{shape} {label}"
            yield f"<figure><figcaption>{words}</figcaption>{_table(table, 'matrix')}</figure>"
    yield "</div>"


def _table(table: Table, kind: str) -> str:
    def data(word: str) -> str:
        return f'<td class="minus">{word}</td>' if word[:1] == "-" else f"<td>{escape(word)}</td>"

    rows = "".join(f"<tr>{''.join(map(data, row))}</tr>" for row in table)
    return f'<table class="{kind}">{rows}</table>'


def _step(e: Explanation, step: Step) -> Iterator[str]:
    times = f" · in a loop, {step.times} times; the last is shown" if step.times > 1 else ""
    yield f'<div class="step"><span class="where">{escape(step.file)}:{step.line}{times}</span>'
    yield f"<code>{escape(step.text)}</code>"
    for inner in step.steps:
        yield from _step(e, inner)
    if step.values:
        yield from _values(e, step.values)
    yield "</div>"


def _gradient(e: Explanation, gradient: Gradient) -> Iterator[str]:
    found = Value(f"∂L/∂{gradient.name}", gradient.backward)
    yield from _values(e, [found, Value("by differences", gradient.difference)])
    most = f"{disagreement(gradient):.0e}"
    yield f"<figure><figcaption>They differ by {most} at most; the terms of one entry:</figcaption>"
    head, *rows = terms(gradient)
    cells = "".join(f"<th>{escape(word)}</th>" for word in head)
    yield _table(rows, "terms").replace("<tr>", f"<tr>{cells}</tr><tr>", 1) + "</figure>"
