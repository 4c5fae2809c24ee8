"""What the page says: its title, hints, and how to read it."""

import numpy as np

from ..models.vae import VAE
from .subject import Model, Subject


def heading(found: Subject) -> str:
    """Return the title."""
    L = found.latents
    return f"Every {found.nouns[0]} as {'one number' if L == 1 else f'{L} numbers'}"


def a(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def about(found: Subject) -> str:
    """Return the line below the title."""
    one, name = a(found.nouns[0]), type(found.model).__name__
    own = "make" if bars(found) else "draw"
    return (
        f"A trained {name} that runs in this page. Point at {one}, drag to decode any place of "
        f"the plane, {own} {one} of your own. Nothing is loaded, nothing is sent."
    )


def caption(found: Subject) -> str:
    """Return what the picture for a browser without scripts shows."""
    return f"the codes of {len(found.shown)} {found.nouns[1]}, coloured by class"


def bars(found: Subject) -> bool:
    """Is a sample shown as bars?"""
    return found.form.kind == "chart" and found.form.shape[0] == 1


def words(found: Subject) -> dict[str, str]:
    """Return the hints below the headings."""
    one, L = found.nouns[0], found.latents
    where = ", at the height of its class" if L == 1 and found.labels is not None else ""
    if isinstance(found.model, VAE):
        of_q, of_prior = ("Lines", "dashed lines") if L == 1 else ("Ellipses", "dashed circles")
        plane = (
            f"Each mark is a mean μ{where}. {of_q} hold 50 and 95 % of q(z|x), {of_prior} "
            "as much of the prior."
        )
        order = "Those that carry most nats come first; the number is their mean KL."
    else:
        plane = f"Each mark is the code of one {one}{where}."
        order = "Those that vary most come first; the number is their variance."
    if L > 2:
        plane += f" Two of {L} numbers are shown; the others stay when you drag."
    numbers = "one number" if found.pca.k == 1 else f"{found.pca.k} numbers"
    pca = f"The same {found.nouns[1]} by PCA, the best linear code of {numbers}. Drag here, too."
    draw, hint = _drawing(found)
    return {
        "codes": plane,
        "pca": pca,
        "sliders": order,
        "draw": draw,
        "hint": hint,
        "whose": f"your {one}" if found.form.kind == "chart" else "your drawing",
    }


def _drawing(found: Subject) -> tuple[str, str]:
    """Return what one makes of one's own, and how."""
    one = found.nouns[0]
    if bars(found):
        return f"Make {a(one)}", (
            "Drag a bar; with the keyboard, up and down go to another, left and right change it."
        )
    if found.form.kind == "chart":
        return f"Draw {a(one)}", (
            "Here, with a pointer or a finger; with the keyboard, left and right go to another "
            "step, up and down change its number."
        )
    return f"Draw {a(one)}", (
        "Here, with a pointer or a finger; with the keyboard, arrows move the pen and Shift holds "
        "it down."
    )


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
    lines.append("All is computed here, in JavaScript that is tested against NumPy layer by layer.")
    if len(found.shown) < found.total:
        lines.append(f"The page holds {len(found.shown)} of {found.total:,} {found.nouns[1]}.")
    if bits is not None:
        lines.append(_rounding(found, model, bits))
    return lines


def _rounding(found: Subject, rounded: Model, bits: float) -> str:
    """Return what the rounding of weights has changed."""
    before, after = (codes.means for codes in (found.codes, found.codes_by(rounded)))
    labels = found.labels if rounded.classes else None
    shape = (len(before), *rounded.code_shape)
    pictures = [
        m.decode(z.reshape(shape), labels) for m, z in ((found.model, before), (rounded, after))
    ]
    if found.form.kind == "image":
        pictures = [picture.clip(0, 1) for picture in pictures]
    moved = float(np.abs(after - before).max())
    change = float(np.abs(pictures[1] - pictures[0]).max())
    most = f"a number of what it decodes to by {change:.2g}"
    if found.form.kind == "image":
        most = f"a pixel of its picture by {255 * change:.2g} of 255 grey levels"
    return (
        f"To fit, weights and PCA's directions are rounded to {bits:g} bits. On the "
        f"{found.nouns[1]} shown this moves a code by {moved:.2g} at most, and {most}."
    )
