"""Pictures: what they show, in the objects matplotlib would draw, and that all of them draw."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from nnscratch import plots
from nnscratch.plots.page import CLASSES

pytestmark = pytest.mark.oldest

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 28, 28), np.uint8)
CODES, LABELS = RNG.standard_normal((20, 2)), np.arange(20) % 10
TERMS = {"total": 3.0, "reconstruction": 2.0, "kl": 1.0}
HISTORY = [{"epoch": e, "train": TERMS, "validation": TERMS} for e in (1, 2, 3)]
STEPS = 10.0 ** -np.arange(1, 6)
KL = np.array([[0.5, 0.8, 0.3], [0.5, 0.1, 2.0]])
"""Of three dimensions, in two epochs."""


def decode(codes: np.ndarray) -> np.ndarray:
    """Make 2 × 2 images of the first two numbers and the last, which thus can be read off."""
    return codes[:, [0, 1, -1, -1]].reshape(-1, 2, 2)


LATENT = ["latent_scatter", "latent_panels"]

SCORES = {"a": {"ours": 60.0, "theirs": 70.0}, "b": {"ours": 90.0, "theirs": None}}

DOTS = {"a": {"ours": (0.9, 0.1), "theirs": (0.8, 0.2)}, "b": {"theirs": (0.5, 0.0)}}

SPREAD = {"one": {10: [1.0, 3.0, 5.0], 1000: [7.0]}, "two": {100: [2.0, 2.0]}}
"""What was found at 10, 100 and 1,000, one time or more."""

MELODIES = np.array([[0, 1, 41, 0, 43, 1, 0, 45] * 4, [30, *[0] * 31]], np.uint8)

EVERY_KIND = {
    "piano_roll": lambda: plots.piano_roll(MELODIES, names=["a", "b"], title="t"),
    "score_bars": lambda: plots.score_bars(SCORES, floor=45.0, title="t"),
    "score_dots": lambda: plots.score_dots(DOTS, line=0.5, unit="AUROC", title="t"),
    "image_rows": lambda: plots.image_rows({"a": IMAGES, "b": IMAGES / 255}, title="t"),
    "image_grid": lambda: plots.image_grid(IMAGES.reshape(20, 784), columns=6, title="t"),
    "manifold": lambda: plots.manifold(lambda z: np.zeros((len(z), 784)), side=3, title="t"),
    "traversals": lambda: plots.traversals(decode, np.zeros(3), [2, 0], steps=3, title="t"),
    "code_images": lambda: plots.code_images(RNG.random((3, 8, 4, 4)), title="t"),
    "code_images of vectors": lambda: plots.code_images(RNG.random((3, 32)), title="t"),
    "latent_scatter": lambda: plots.latent_scatter(CODES, LABELS, prior=True, title="t"),
    "latent_panels": lambda: plots.latent_panels(
        {"a": CODES, "b": 50 * CODES}, LABELS, prior=True, title="t"
    ),
    "kl_bars": lambda: plots.kl_bars(np.array([2.5, 0.1, 0]), title="t"),
    "histograms": lambda: plots.histograms({"a": CODES, "b": CODES}, xlabel="z", title="t"),
    "loss_curves": lambda: plots.loss_curves(HISTORY, baselines={"kl": {"b": 2}}, title="t"),
    "spread_curves": lambda: plots.spread_curves(
        {"a": SPREAD, "b": SPREAD}, xlabel="x", ylabel="y", log=True, title="t"
    ),
    "signal_rows": lambda: plots.signal_rows(KL, {"a": 2 * KL, "b": 0 * KL}, lines=[1], title="t"),
    "scored_signal": lambda: plots.scored_signal(
        KL[0], {"a": KL[1]}, marks=[("m", 1)], width=1, found={"a": [2]}, title="t"
    ),
    "error_curves": lambda: plots.error_curves(STEPS, {"a": STEPS, "b": 0 * STEPS}, title="t"),
    "rate_distortion": lambda: plots.rate_distortion(
        (4, 1, 0.25), (2, 5, 9), (30, 20, 18), marks={"m": (0, 50)}, lines={"l": 5}, title="t"
    ),
    "kl_panels": lambda: plots.kl_panels({"a": KL, "b": 2 * KL}, title="t"),
}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_picture_is_saved_as_png(kind: str, tmp_path: Path) -> None:
    figure = EVERY_KIND[kind]()
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == "t"
    path = plots.save(figure, tmp_path / "new" / "picture.png")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    "kind",
    [*LATENT, "kl_bars", "loss_curves", "error_curves", "spread_curves", "rate_distortion"],
)
def test_axes_are_labelled(kind: str) -> None:
    axes = EVERY_KIND[kind]().axes
    assert all(panel.get_xlabel() for panel in axes)
    assert axes[0].get_ylabel()


def test_rows_are_named_and_in_order() -> None:
    """Two rows of two 28 × 28 images, with two white pixels between them."""
    dark, light = np.ones((2, 28, 28)), np.zeros((2, 28, 28))
    axes = plots.image_rows({"dark": dark, "light": light}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dark", "light"]
    sheet = axes.images[0].get_array()
    assert sheet.shape == (58, 58)
    assert (sheet[:28, :28] == 1).all()
    assert (sheet[30:, :28] == 0).all()
    assert sheet.mask[28:30].all()


@pytest.mark.parametrize("names", [["a", "convolutional"], ["b", "tensorflow noise, denoised"]])
@pytest.mark.parametrize("columns", [3, 10, 12])
def test_names_of_rows_are_not_cut_and_no_band_above_the_images_is_empty(
    names: list[str], columns: int
) -> None:
    figure = plots.image_rows(dict.fromkeys(names, IMAGES[:columns]), title="t")
    figure.set_dpi(120)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    assert min(label.get_window_extent().x0 for label in axes.get_yticklabels()) >= 3
    sheet, cell = axes.get_window_extent(), axes.get_window_extent().height / len(names)
    assert figure.bbox.height - sheet.y1 < 0.7 * cell


def test_signals_lie_below_what_each_row_makes_of_them() -> None:
    """Two signals of three steps, two rows: four panels, the first with a name in each row."""
    axes = plots.signal_rows(KL, {"a": 2 * KL, "b": 0 * KL}, lines=[1.5]).axes
    assert [panel.get_ylabel() for panel in axes] == ["a", "", "b", ""]
    for panel, signal, made in zip(axes, [*KL, *KL], [*(2 * KL), *(0 * KL)], strict=True):
        below, above, line = panel.lines
        np.testing.assert_array_equal(below.get_ydata(), signal)
        np.testing.assert_array_equal(above.get_ydata(), made)
        np.testing.assert_array_equal(above.get_xdata(), [1, 2, 3])
        assert set(line.get_ydata()) == {1.5}
    assert len({panel.get_ylim() for panel in axes}) == 1


def test_signals_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"signal_rows: expected signals \(N, T\), got \(3,\)"):
        plots.signal_rows(KL[0], {})
    with pytest.raises(ValueError, match=r"signal_rows a: expected \(2, 3\), got \(2, 2\)"):
        plots.signal_rows(KL, {"a": KL[:, :2]})


def test_columns_have_heads_above_their_middles() -> None:
    axes = plots.image_rows({"a": IMAGES[:2]}, heads=["l", "r"]).axes[0]
    assert [tick.label2.get_text() for tick in axes.xaxis.get_major_ticks()] == ["l", "r"]
    assert all(tick.label2.get_visible() for tick in axes.xaxis.get_major_ticks())
    np.testing.assert_array_equal(axes.get_xticks(), [14, 30 + 14])


def test_bytes_are_scaled_and_a_grid_is_filled_up_with_white() -> None:
    sheet = plots.image_grid(np.full((3, 4, 4), 255, np.uint8), columns=2).axes[0].images[0]
    assert sheet.get_array().max() == 1
    assert sheet.get_array().mask[6:, 6:].all()


def test_the_manifold_has_quantiles_with_z1_to_the_right_and_z2_upwards() -> None:
    """Each image shows in its left half the z1, and in its right half the z2, that it decodes."""
    seen = []

    def decode(z: np.ndarray) -> np.ndarray:
        seen.append(z)
        return np.repeat(z[:, None, :], 2, axis=1)

    axes = plots.manifold(decode, side=3).axes[0]
    sheet = axes.images[0].get_array().reshape(3, 2, 3, 2)[:, 0]
    low, middle, high = (NormalDist().inv_cdf(p) for p in (1 / 6, 1 / 2, 5 / 6))
    np.testing.assert_allclose(sheet[0, :, 0], [low, middle, high], atol=1e-6)
    np.testing.assert_allclose(sheet[:, 0, 1], [high, middle, low], atol=1e-6)
    assert seen[0].shape == (9, 2)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["−0.97", "0.00", "0.97"]
    assert axes.get_yticks()[0] > axes.get_yticks()[-1]  # row 0 is at the top, and is high


def test_a_traversal_moves_one_number_through_the_prior_and_leaves_the_others() -> None:
    code = np.array([0.1, 0.2, 0.3])
    axes = plots.traversals(decode, code, [2, 0], steps=3).axes[0]
    sheet = axes.images[0].get_array()
    low, middle, high = (NormalDist().inv_cdf(p) for p in (1 / 6, 1 / 2, 5 / 6))
    for column, value in enumerate((low, middle, high)):
        third, first = sheet[:, 4 * column : 4 * column + 2].reshape(3, 2, 2)[::2]
        np.testing.assert_allclose(third.ravel(), [0.1, 0.2, value, value])
        np.testing.assert_allclose(first.ravel(), [value, 0.2, 0.3, 0.3])
    np.testing.assert_array_equal(code, [0.1, 0.2, 0.3])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$z_{3}$", "$z_{1}$"]
    heads = [tick.label2.get_text() for tick in axes.xaxis.get_major_ticks()]
    assert heads == ["−0.97", "0.00", "0.97"]


@pytest.mark.parametrize("kind", LATENT)
def test_a_latent_picture_has_every_class_once_in_its_legend(kind: str) -> None:
    [legend] = EVERY_KIND[kind]().legends
    assert [text.get_text() for text in legend.get_texts()] == [str(k) for k in range(10)]


def test_panels_have_names_and_scales_of_their_own() -> None:
    """Circles of the same prior are in both; where the codes reach far they are too small to name.

    What is drawn first in a panel is its cloud, in an order drawn at random.
    """
    small, large = EVERY_KIND["latent_panels"]().axes
    assert [small.get_title(), large.get_title()] == ["a", "b"]
    for panel, scale in ((small, 1), (large, 50)):
        dots = np.asarray(panel.collections[0].get_offsets())
        np.testing.assert_allclose(np.sort(dots, axis=0), np.sort(scale * CODES, axis=0))
        radii = [np.hypot(*line.get_data()).max() for line in panel.lines]
        np.testing.assert_allclose(radii, [1.1774, 2.4477], atol=1e-4)
    names = [
        [t.get_text() for t in panel.texts if "prior" in t.get_text()] for panel in (small, large)
    ]
    assert names == [["50 % of the prior", "95 % of the prior"], []]


def test_a_spread_is_a_mean_and_a_deviation_where_it_was_found_and_none_of_one_finding() -> None:
    lines = {"b": {"floor": 0.5}}
    figure = plots.spread_curves({"a": SPREAD, "b": SPREAD}, xlabel="x", ylabel="y", lines=lines)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]
    for axes in figure.axes:
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10", "100", "1,000"]
        one, two = axes.containers
        for (line, _, [bars]), x, low, high in (
            (one, [10, 1000], [1, 7], [5, 7]),
            (two, [100], [2], [2]),
        ):
            np.testing.assert_allclose(line.get_xdata(), x, rtol=0.03)
            np.testing.assert_allclose(line.get_ydata(), np.add(low, high) / 2)
            ends = np.array(bars.get_segments())[:, :, 1]
            np.testing.assert_allclose(ends, np.transpose([low, high]))
    assert [[t.get_text() for t in axes.texts] for axes in figure.axes] == [[], ["floor"]]


MANY = {str(i): np.array([i, i + 1.0]) for i in range(23)}
"""More curves than there are colours, markers and dashes to tell them apart."""


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.curves([1, 2], MANY, xlabel="x", ylabel="y"),
        lambda: plots.error_curves(np.array([1, 0.1]), MANY),
        lambda: plots.spread_curves(
            {"a": {name: {1: y[:1], 2: y[1:]} for name, y in MANY.items()}}, xlabel="x"
        ),
    ],
    ids=["curves", "error_curves", "spread_curves"],
)
def test_every_curve_is_drawn_and_twenty_look_different(draw: Any) -> None:
    figure = draw()
    [legend] = figure.legends or [figure.axes[0].get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == list(MANY)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2][: len(MANY)]
    drawn = [np.asarray(line.get_ydata())[1] for line in lines]
    np.testing.assert_array_equal(drawn, [y[1] for y in MANY.values()])
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines]
    assert len(set(looks[:20])) == 20


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda six: plots.histograms(six, xlabel="x"), "histograms: expected at most 5 arrays"),
        (lambda six: plots.score_bars({"a": {k: 1.0 for k in six}}, floor=0), "score_bars: .* con"),
        (lambda six: plots.gap_bars(six, "ab", ylabel="y"), "gap_bars: .* parts and marks"),
        (
            lambda six: plots.posterior_panels(
                STEPS, np.zeros((1, 5, 5)), {k: (CODES[:1], CODES[:1]) for k in six}, IMAGES[:1]
            ),
            "posterior_panels: .* Gaussians",
        ),
    ],
    ids=["histograms", "score_bars", "gap_bars", "posterior_panels"],
)
def test_where_colours_alone_tell_apart_six_are_refused(draw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"{message}.*, got 6"):
        draw(dict(list(MANY.items())[:6]))


def test_a_single_term_has_a_single_panel() -> None:
    terms = {"total": 2.0, "reconstruction": 2.0}
    figure = plots.loss_curves([{"epoch": 1, "train": terms}])
    assert [axes.get_title() for axes in figure.axes] == ["reconstruction"]


def test_baselines_are_lines_with_names() -> None:
    figure = plots.loss_curves(HISTORY, baselines={"reconstruction": {"PCA-2": 4.0}})
    total, reconstruction, kl = figure.axes
    assert [len(axes.lines) for axes in (total, reconstruction, kl)] == [2, 3, 2]
    assert reconstruction.texts[0].get_text() == "PCA-2 4.0"
    assert reconstruction.get_ylim()[0] < 2 < 4 < reconstruction.get_ylim()[1]


@pytest.mark.parametrize(("value", "side"), [(1.5, "top"), (4.0, "bottom")])
def test_the_name_of_a_baseline_is_not_where_the_curves_end(value: float, side: str) -> None:
    """They end at 2: a line below has its name below, one above has it above."""
    figure = plots.loss_curves(HISTORY, baselines={"reconstruction": {"line": value}})
    [name] = figure.axes[1].texts
    assert name.get_verticalalignment() == side
    assert np.sign(name.xyann[1]) == (-1 if side == "top" else 1)


def test_models_bear_their_beta_as_a_slope_and_the_best_is_on_a_line_of_slope_minus_one() -> None:
    axes = EVERY_KIND["rate_distortion"]().axes[0]
    curve, *ticks, line, best = axes.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[2, 30], [5, 20], [9, 18]])
    points, marks = (np.asarray(dots.get_offsets()).tolist() for dots in axes.collections)
    assert (points, marks) == ([[2, 30], [5, 20], [9, 18]], [[0, 50]])
    for tick, point, beta in zip(ticks, points, (4, 1, 0.25), strict=True):
        (left, right), heights = tick.get_data()
        assert np.diff(heights) / (right - left) == pytest.approx(-beta)
        assert [(left + right) / 2, np.mean(heights)] == pytest.approx(point)
    assert line.get_ydata()[0] == 5
    assert best.get_xydata().sum(axis=1) == pytest.approx([25, 25])
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["β = 4", "β = 1", "β = 0.25", "m", "l", "D + R = 25.0"]
    low, high = axes.get_ylim()
    assert low < 5 < 50 < high


def test_the_kl_of_dimensions_runs_to_the_right_the_largest_of_the_last_epoch_at_the_top() -> None:
    a, b, bar = EVERY_KIND["kl_panels"]().axes
    want = np.array([[0.3, 2.0], [0.5, 0.5], [0.8, 0.1]])
    for axes, scale in ((a, 1), (b, 2)):
        np.testing.assert_array_equal(axes.images[0].get_array(), scale * want)
        assert axes.images[0].get_clim() == (0, 4)
        left, right, bottom, top = axes.images[0].get_extent()
        assert (left, right, bottom, top) == (0.5, 2.5, 3.5, 0.5)
        assert axes.get_xlabel() == "epoch"
    assert [a.get_title(), b.get_title()] == ["a", "b"]
    assert bar.get_ylabel() == "KL, nats an image"


def simulated(colour: str, kind: str) -> np.ndarray:
    """CIELAB of a colour as it looks to a dichromat: Machado, Oliveira and Fernandes (2009)."""
    matrix = {
        "trichromat": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "protanope": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "deuteranope": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "tritanope": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    }[kind]
    rgb = np.array(to_rgb(colour))
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = np.clip(np.array(matrix) @ light, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    f = np.cbrt(np.maximum(np.array(to_xyz) @ light / [0.9505, 1, 1.089], 1e-3))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", ["trichromat", "protanope", "deuteranope", "tritanope"])
def test_everybody_can_tell_the_ten_classes_apart(kind: str) -> None:
    """A distance of 2.3 in CIELAB is just noticeable."""
    seen = [simulated(colour, kind) for colour in CLASSES]
    assert len(seen) == 10
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


def test_bars_are_the_scores_and_who_has_none_has_no_bar() -> None:
    [axes] = plots.score_bars(SCORES, floor=45.0).axes
    ours, theirs = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert (ours, theirs) == ([60, 90], [70])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.lines[0].get_xdata()[0] == 45


def test_dots_are_the_scores_in_their_rows_and_bars_their_errors() -> None:
    [axes] = plots.score_dots(DOTS, line=0.5, unit="AUROC").axes
    found = {}
    for container in axes.containers:
        dots, _, [bars] = container.lines
        lengths = [np.ptp(segment[:, 0]) / 2 for segment in bars.get_segments()]
        found[container.get_label()] = [*zip(dots.get_xdata(), lengths, strict=True)]
        assert [round(y) for y in dots.get_ydata()] == [0, 1][: len(lengths)]
    assert [*found] == ["ours", "theirs"]
    np.testing.assert_allclose(found["ours"], [(0.9, 0.1)])
    np.testing.assert_allclose(found["theirs"], [(0.8, 0.2), (0.5, 0.0)])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.get_xlabel() == "AUROC"


def test_a_signal_stands_over_its_scores_with_marks_and_dots() -> None:
    figure = EVERY_KIND["scored_signal"]()
    signal, score = figure.axes
    for axes, y, dots in ((signal, KL[0], []), (score, KL[1], [2])):
        line, found = axes.lines
        np.testing.assert_array_equal(line.get_ydata(), y)
        np.testing.assert_array_equal(found.get_xdata(), dots)
        np.testing.assert_array_equal(found.get_ydata(), y[dots])
        [band] = axes.patches
        assert (band.get_x(), band.get_width()) == (0.5, 1)
    assert [axes.get_ylabel() for axes in figure.axes] == ["signal", "a"]
    assert [text.get_text() for text in signal.texts] == ["m"]
    with pytest.raises(ValueError, match=r"scored_signal a: expected \(3,\), got \(2,\)"):
        plots.scored_signal(KL[0], {"a": KL[1, :2]}, marks=[], width=1, found={})


def test_a_piano_roll_has_a_bar_for_each_note() -> None:
    """Four times: C for two steps, D for one, a rest of two, E for three and for one at the end."""
    figure = plots.piano_roll(MELODIES, names=["a", "b"], columns=1)
    one, other = figure.axes
    bars = [path.get_extents() for path in one.collections[0].get_paths()]
    found = [(bar.x0, bar.x1, (bar.y0 + bar.y1) / 2) for bar in bars]
    eight = [(2, 4, 60), (4, 5, 62), (7, 9, 64)]
    expected = [(8 * i + a, 8 * i + b - 0.25, p) for i in range(4) for a, b, p in eight]
    expected[-1] = (31, 31.75, 64)  # the window ends
    np.testing.assert_allclose(found, expected)
    [bar] = [path.get_extents() for path in other.collections[0].get_paths()]
    np.testing.assert_allclose((bar.x0, bar.x1, (bar.y0 + bar.y1) / 2), (0, 31.75, 49))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    assert one.get_ylim() == other.get_ylim()
    assert one.get_ylim()[0] < 48.5
    assert one.get_ylim()[1] > 64.5


@pytest.mark.parametrize(
    ("tokens", "names", "words"),
    [
        (np.zeros(32, np.uint8), None, r"piano_roll tokens: expected \(N, T\) integers"),
        (np.full((1, 4), 90), None, "expected 0 to 89, got 90 to 90"),
        (np.zeros((1, 4), np.uint8), ["a", "b"], "expected 1 names, got 2"),
    ],
)
def test_what_is_no_piano_roll(tokens: Any, names: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.piano_roll(tokens, names=names)


def test_no_pyplot_and_no_display(tmp_path: Path) -> None:
    """A figure of ours is a value: no window, and no list of open figures that grows behind it."""
    code = (
        "import sys; import numpy as np; from nnscratch import plots; "
        "plots.save(plots.kl_bars(np.ones(2)), sys.argv[1]); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "kl.png"], check=True)
    assert (tmp_path / "kl.png").stat().st_size > 1000


@pytest.mark.parametrize("shape", [(3,), (0, 28, 28), (3, 5, 5, 5), (3, 783)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"image_grid: expected (images|a batch)"):
        plots.image_grid(np.zeros(shape))


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="picture not written"):
        plots.save(plots.kl_bars(np.ones(2)), tmp_path / "file" / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
