"""Every picture of the lesson, one function each; all return a matplotlib Figure.

    save(latent_scatter(codes, labels, title="Do the classes keep apart?"), "out/latent.png")

Figures are objects of their own, with no pyplot and no global state: nothing opens a window,
nothing is left behind, and a notebook shows what a function returns. A title says what to look at.
"""

from .codes import code_panels, histograms, kl_bars, latent_panels, latent_scatter
from .curves import curves, error_curves, loss_curves, spread_curves
from .images import code_images, image_grid, image_rows, manifold, traversals
from .page import save
from .piano import piano_roll
from .posteriors import gap_bars, posterior_panels
from .rates import kl_panels, rate_distortion
from .scores import score_bars, score_dots
from .signals import scored_signal, signal_rows

__all__ = [
    "code_images",
    "code_panels",
    "curves",
    "error_curves",
    "gap_bars",
    "histograms",
    "image_grid",
    "image_rows",
    "kl_bars",
    "kl_panels",
    "latent_panels",
    "latent_scatter",
    "loss_curves",
    "manifold",
    "piano_roll",
    "posterior_panels",
    "rate_distortion",
    "save",
    "score_bars",
    "score_dots",
    "scored_signal",
    "signal_rows",
    "spread_curves",
    "traversals",
]
