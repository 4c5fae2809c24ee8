"""What the page says: its title, hints, and how to read it."""

import numpy as np

from ..models.vae import VAE
from .subject import Model, Subject


def heading(found: Subject) -> str:
    """Return the title."""
    return f"Every {found.nouns[0]} as {found.latents} numbers"


def a(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def about(found: Subject) -> str:
    """Return the line below the title."""
    one, name = a(found.nouns[0]), type(found.model).__name__
    return (
        f"A trained {name} that runs in this page. Point at {one}, drag to decode any place of "
        f"the plane, draw {one} of your own. Nothing is loaded, nothing is sent."
    )


def caption(found: Subject) -> str:
    """Return what the picture for a browser without scripts shows."""
    return f"the codes of {len(found.images)} {found.nouns[1]}, coloured by class"


def words(found: Subject) -> dict[str, str]:
    """Return the hints below the headings."""
    one, L = found.nouns[0], found.latents
    if isinstance(found.model, VAE):
        plane = (
            "Each mark is a mean μ. Ellipses hold 50 and 95 % of q(z|x), dashed circles "
            "as much of the prior."
        )
        order = "Those that carry most nats come first; the number is their mean KL."
    else:
        plane = f"Each mark is the code of one {one}."
        order = "Those that vary most come first; the number is their variance."
    if L > 2:
        plane += f" Two of {L} numbers are shown; the others stay when you drag."
    pca = (
        f"The same {found.nouns[1]} by PCA, the best linear code of {found.pca.k} numbers. "
        "Drag here, too."
    )
    return {"codes": plane, "pca": pca, "sliders": order, "draw": f"Draw {a(one)}"}


def notes(found: Subject, model: Model, bits: float | None) -> list[str]:
    """Return the sentences at the end; `model` has the weights of the page."""
    one = found.nouns[0]
    lines = [
        f"Click {a(one)} to hold it while you drag; Esc lets x follow the pointer again. Keys, "
        f"once a plane has the focus: arrows move the code, Shift makes steps larger, N and P go "
        f"to another {one}, M goes back to the mean."
    ]
    if isinstance(model, VAE):
        lines.append(
            "The sum of both terms at a draw z = μ + σ ε is the loss of one step of training, at "
            "β = 1; the mean over draws is the negative ELBO, a bound on −log p(x). At the mean μ "
            "the first term is mostly lower than over draws. The floor is what no decoder can "
            "go below."
        )
        if model.beta != 1:
            lines.append(f"The model was trained with β = {model.beta:g}; the table shows β = 1.")
    lines.append(
        "All is computed here, by some 250 lines of JavaScript that are tested against NumPy "
        "layer by layer."
    )
    if bits is not None:
        lines.append(_rounding(found, model, bits))
    return lines


def _rounding(found: Subject, rounded: Model, bits: float) -> str:
    """Return what the rounding of weights has changed."""
    before, after = (codes.means for codes in (found.codes, found.codes_by(rounded)))
    labels = found.labels if rounded.classes else None
    shape = (len(before), *rounded.code_shape)
    pictures = [
        m.decode(z.reshape(shape), labels).clip(0, 1)
        for m, z in ((found.model, before), (rounded, after))
    ]
    moved = float(np.abs(after - before).max())
    levels = 255 * float(np.abs(pictures[1] - pictures[0]).max())
    return (
        f"To fit, weights are rounded to {bits:g} bits. On the {found.nouns[1]} shown this moves a "
        f"code by {moved:.2g} at most, and a pixel of its picture by {levels:.2g} of 255 grey "
        "levels."
    )
