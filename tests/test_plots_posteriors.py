"""Pictures of posteriors, code panels and curves: what they show, in the objects drawn."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.patches import Ellipse

from nnscratch import plots

AXIS = np.linspace(-5, 5, 201)
IMAGES = np.zeros((2, 28, 28))


def gaussian(mu: float, sigma: float) -> np.ndarray:
    """log N on the grid, up to a constant: the mean (mu, 0), deviations sigma and 1."""
    x, y = np.meshgrid(AXIS, AXIS)
    return -(((x - mu) / sigma) ** 2 + y**2) / 2


def test_the_contours_of_a_true_gaussian_are_those_of_its_own_ellipse() -> None:
    """z_1 to the right: the 95 % region of N(1, ½²) × N(0, 1) reaches as far as its ellipse."""
    mu, logvar = np.array([[1.0, 0.0]]), np.log(np.array([[0.25, 1.0]]))
    figure = plots.posterior_panels(AXIS, gaussian(1, 0.5)[None], {"q": (mu, logvar)}, IMAGES[:1])
    axes = figure.axes[0]
    inner, outer = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    assert outer.get_center() == (1.0, 0.0)
    assert (inner.width, inner.height) == pytest.approx((2 * 0.5 * 1.17741, 2 * 1.17741), rel=1e-4)
    assert (outer.width, outer.height) == pytest.approx((2 * 0.5 * 2.44775, 2 * 2.44775), rel=1e-4)
    filled = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    half_width, half_height = np.ptp(filled, axis=0) / 2
    assert (half_width, half_height) == pytest.approx((0.5 * 2.44775, 2.44775), abs=0.06)


def test_every_posterior_has_a_panel_that_holds_all_of_it() -> None:
    q = (np.array([[3.0, 0.0], [0.0, 0.0]]), np.zeros((2, 2)))
    density = np.stack([gaussian(-3, 0.2), gaussian(0, 1)])
    figure = plots.posterior_panels(AXIS, density, {"q": q}, IMAGES, title="t")
    assert len(figure.axes) == 2
    left, right = figure.axes[0].get_xlim()
    assert left < -3.4
    assert right > 5.4
    assert figure.get_suptitle() == "t"


def test_a_panel_is_centred_on_what_it_shows() -> None:
    """z_1 = -3 is to the left, not below."""
    q = (np.array([[-3.0, 0.0]]), np.full((1, 2), -9.0))
    axes = plots.posterior_panels(AXIS, gaussian(-3, 0.2)[None], {"q": q}, IMAGES[:1]).axes[0]
    assert np.mean(axes.get_xlim()) == pytest.approx(-3, abs=0.1)
    assert np.mean(axes.get_ylim()) == pytest.approx(0, abs=0.1)


def test_gap_bars_stand_upon_each_other() -> None:
    parts = {"a": [1.0, 2.0], "b": [0.5, 0.25]}
    axes = plots.gap_bars(parts, ["x", "y"], ylabel="nats", marks={"m": [3, 4]}, title="t").axes[0]
    boxes = [(bar.get_y(), bar.get_height()) for bar in axes.patches]
    assert boxes == [(0, 1), (0, 2), (1, 0.5), (2, 0.25)]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["x", "y"]
    assert axes.get_ylabel() == "nats"
    assert len(axes.get_legend().get_texts()) == 3


def test_curves_have_names_and_lines_and_whole_epochs() -> None:
    words = {"xlabel": "epoch", "ylabel": "y", "lines": {"a guess": 0.5}}
    axes = plots.curves(range(1, 4), {"a": [1, 2, 3], "b": [3, 2, 1]}, **words).axes[0]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [3, 2, 1])
    assert axes.lines[2].get_ydata()[0] == 0.5
    assert axes.texts[0].get_text() == "a guess"
    axes.figure.canvas.draw()
    assert all(tick == round(tick) for tick in axes.get_xticks())
    assert (
        plots.curves([1, 10], {"a": [1, 2]}, xlabel="x", ylabel="y", log=True).axes[0].get_xscale()
        == "log"
    )


@pytest.mark.parametrize("count", [2, 4])
def test_a_legend_of_many_curves_stands_where_it_hides_none(count: int) -> None:
    series = {f"curve {i}": [i, i, i] for i in range(count)}
    figure = plots.curves(range(1, 4), series, xlabel="x", ylabel="y")
    inside, outside = figure.axes[0].get_legend(), figure.legends
    assert (inside is None) == (len(outside) == 1) == (count > 3)
    [legend] = outside or [inside]
    assert [text.get_text() for text in legend.get_texts()] == list(series)


def test_code_panels_show_the_codes_on_the_draws_each_on_its_own_scale() -> None:
    rng = np.random.default_rng(0)
    codes = {"small": rng.standard_normal((200, 2)), "large": 50 * rng.standard_normal((200, 2))}
    draws = {name: rng.standard_normal((100, 2)) for name in codes}
    figure = plots.code_panels(codes, np.arange(200) % 10, draws=draws, title="t")
    widths = []
    for axes, name in zip(figure.axes, codes, strict=True):
        behind, front = axes.collections[:2]
        np.testing.assert_array_equal(behind.get_offsets(), draws[name])
        assert len(front.get_offsets()) == 200
        assert axes.get_title() == name
        widths.append(np.ptp(axes.get_xlim()))
    for small, large in pairwise(widths):
        assert large > 10 * small
