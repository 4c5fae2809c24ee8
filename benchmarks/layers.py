"""How near is each layer to what one core can do, and how near do PyTorch's and JAX's come?

    python -m benchmarks layers                         about five minutes
    python -m benchmarks layers --workloads "conv 32→32 @14,dense 784→512"
    python -m benchmarks layers --smoke                 the dense layer, one short round

Forward, dx and dw apart, on 64 samples, a replica's share of a batch of 128, and one core, which
is how a replica runs it. All arrays agree before they are timed. Multiply-adds bound the
convolutions and the dense layer, memory the others: hence GFLOP/s there and GB/s here, of the
numbers that must be read and written at least once.
"""

from collections.abc import Iterator, Sequence
from math import prod
from statistics import median

from .contenders import SINGLE_LAYERS, chosen
from .contest import contest, equal_arrays, hire, working
from .machine import bandwidth, header, peak_gflops
from .networks import Affine, flops
from .options import parse
from .report import Table, draw_ratios
from .workloads import ADAM, LAYER_BATCH, LAYERS, adam_case

RTOL = 1e-5
HEADINGS = ("layer", "pass", "contender", "min µs", "median µs", "max µs", "× fastest peer", "rate")


def passes(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield what is measured of a layer: the job, its name, the pass."""
    if name == ADAM:
        yield "adam", name, "step"
        return
    for what in ("forward", "dx", "dw"):
        if what != "dw" or isinstance(LAYERS[name][0], Affine):
            yield "layer", f"{name} {what}", what


def of_images(name: str) -> bool:
    """Does it take images?"""
    return name != ADAM and len(LAYERS[name][1]) == 3


def work(name: str) -> tuple[float, str]:
    """Return how much one pass does, in 10⁹ of a unit."""
    if name == ADAM:
        return 7 * adam_case()[0].nbytes / 1e9, "GB/s"  # read four arrays, write θ, m and v
    layer, shape = LAYERS[name]
    if isinstance(layer, Affine):
        return LAYER_BATCH * flops(layer, shape, layer.shape(shape)) / 1e9, "GFLOP/s"
    return 4 * LAYER_BATCH * (prod(shape) + prod(layer.shape(shape))) / 1e9, "GB/s"


def main(argv: Sequence[str]) -> None:
    """Measure, print, write."""
    names, smoke = [*LAYERS, ADAM], ["dense 784→512"]
    options = parse(__doc__, argv, names, smoke=smoke, threads=1, seconds=0.2)
    threads = options.threads
    flop, byte = peak_gflops(threads), bandwidth(300, threads)
    title = f"{header(threads)}\nmeasured peak {flop:.0f} GFLOP/s, memory {byte:.0f} GB/s"
    print(f"{title}\n")
    table, groups = Table(HEADINGS), {}
    with working(hire(chosen(SINGLE_LAYERS, options), options)) as group:
        for name in options.workloads:
            amount, unit = work(name)
            for job, case, what in passes(name):
                fitting = [m for m in group if of_images(name) or not m.contender.only_images]
                outcome = contest(fitting, job, case, equal_arrays(RTOL), options)
                for label, times in outcome.times.items():
                    rate = f"{amount / median(times):.1f} {unit}"
                    table.add(name, what, label, *outcome.figures(label, 1e6), rate)
                groups[case] = outcome.ratios
    table.publish(options.out, "layers", title)
    draw_ratios(options.out / "layers.png", f"Single layers\n{title}", groups)
