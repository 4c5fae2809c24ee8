"""How long does a training step of MusicVAE take, beside PyTorch's and JAX's?

    python -m benchmarks music                      about two minutes
    python -m benchmarks music --smoke              one short round

W10: encoder 128 in each direction, decoder 128, 128, code 64, two bars, batch 128: forward, the
bound at β = 1, all gradients, Adam. Weights, melodies and noise are equal, and so are the losses of
the first steps.
"""

from collections.abc import Sequence
from statistics import median

from .contenders import RECURRENT as CONTENDERS
from .contenders import chosen
from .contest import contest, hire, working
from .machine import header, peak_gflops
from .melodies import flops
from .options import parse
from .report import Table, draw_ratios
from .training import same_losses

HEADINGS = ("workload", "contender", "min ms", "median ms", "max ms", "× fastest peer")
HEADINGS += ("GFLOP/s", "% of peak")


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    options = parse(__doc__, argv, ["W10"], smoke=["W10"])
    peak = peak_gflops(options.threads)
    title = f"{header(options.threads)}\nmeasured peak {peak:.0f} GFLOP/s"
    print(f"{title}\n")
    table = Table(HEADINGS)
    with working(hire(chosen(CONTENDERS, options), options)) as group:
        outcome = contest(group, "music", "W10", same_losses, options)
    for label, times in outcome.times.items():
        rate = flops() / median(times) / 1e9
        table.add("W10", label, *outcome.figures(label, 1e3), rate, 100 * rate / peak)
    table.publish(options.out, "music", title)
    groups = {"W10\nMusicVAE, two bars, batch 128": outcome.ratios}
    draw_ratios(options.out / "music.png", f"A step of MusicVAE\n{title}", groups)
