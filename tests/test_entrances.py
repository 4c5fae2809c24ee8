"""Every way in, and what must not come in by it. A new entrance is one line of a table."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnscratch import plots
from nnscratch.data import (
    Dataset,
    Pairs,
    binarize,
    columns,
    downsample,
    gaussian_noise,
    masking,
    salt_and_pepper,
    upsample_bilinear,
    upsample_nearest,
)
from nnscratch.evaluation import active_units, elbo, importance_nll, metrics
from nnscratch.evaluation.baselines import PCA, linear_vae_optimum, mean_image
from nnscratch.evaluation.probes import NearestNeighbours, SoftmaxProbe, accuracy, balanced
from nnscratch.layers import Conv2d, Dense, Flatten, Reshape, Sequential
from nnscratch.likelihoods import Gaussian
from nnscratch.models import VAE, Autoencoder, Classifier, ConditionalVAE, Regressor
from nnscratch.models.contractive import jacobian_norms
from nnscratch.optimizers import Adam
from nnscratch.training import Trainer

N, SHAPE, K = 6, (3, 12, 12), 3
D = 3 * 12 * 12
LABELS = np.arange(N) % K
X: Any = np.random.default_rng(0).integers(0, 17, (N, *SHAPE)).astype(np.float32) / 16
"""Sixteenths, which float16 holds too."""


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def autoencoder() -> Autoencoder:
    conv = partial(Conv2d, kernel_size=3, padding="same", rng=rng())
    return Autoencoder(conv(3, 2), conv(2, 3), input_shape=SHAPE)


def vae(kind: Any = VAE, extra: int = 0, **options: Any) -> Any:
    encoder = Sequential(Flatten(), Dense(D + extra * 144, 4, rng=rng()))
    decoder = Sequential(Dense(2 + extra, D, rng=rng()), Reshape(*SHAPE))
    return kind(encoder, decoder, 2, input_shape=SHAPE, **options)


def classifier() -> Classifier:
    return Classifier(Sequential(Flatten(), Dense(D, K, rng=rng())), input_shape=SHAPE)


def regressor() -> Regressor:
    return Regressor(Conv2d(3, 3, 1, rng=rng()), input_shape=SHAPE)


def trainer(model: Any) -> Any:
    return Trainer(model, Adam(), seed=0, batch_size=4)


def fitted(model: Any, x: Any, validation: Any = None) -> Any:
    t = trainer(model)
    t.fit(x, validation=validation, epochs=1)
    return t.replicas.theta.value.copy()


AE, V, G = autoencoder(), vae(), vae(likelihood=Gaussian())
C = vae(ConditionalVAE, K, classes=K)
P = PCA(2).fit(X)
CLASSIFIER, REGRESSOR = classifier(), regressor()
NEAR, SOFT = NearestNeighbours(2).fit(X, LABELS), SoftmaxProbe(2).fit(X, LABELS)


class Entrance(NamedTuple):
    """A way in for images like X: what it refuses beside what all refuse.

    shape  it knows what samples look like, so it refuses another order of axes
    batch  it takes batches alone
    unit   floats in [0, 1] alone, or about there
    dark   sets and batches of bytes of which none exceeds 1 are refused
    """

    call: Callable[[Any], Any]
    shape: bool = True
    batch: bool = True
    unit: bool = True
    dark: bool = True


def figure(plot: Callable[[], Any]) -> Any:
    """Return the numbers of a picture."""
    return np.concatenate([np.ravel(image.get_array()) for image in plot().axes[0].images])


IMAGES = {
    "fit data": Entrance(lambda x: fitted(autoencoder(), x)),
    "fit validation": Entrance(lambda x: fitted(autoencoder(), X, x)),
    "fit a Dataset": Entrance(
        lambda x: fitted(vae(ConditionalVAE, K, classes=K), Dataset(x, LABELS))
    ),
    "fit Pairs inputs, denoising": Entrance(lambda x: fitted(autoencoder(), Pairs(x, X))),
    "fit Pairs targets, denoising": Entrance(lambda x: fitted(autoencoder(), Pairs(X, x))),
    "fit Pairs inputs, regression": Entrance(
        lambda x: fitted(regressor(), Pairs(x, X)), unit=False
    ),
    "fit Pairs targets, regression": Entrance(
        lambda x: fitted(regressor(), Pairs(X, x)), unit=False
    ),
    "fit a Dataset, classifier": Entrance(lambda x: fitted(classifier(), Dataset(x, LABELS))),
    "predict, classifier": Entrance(CLASSIFIER.predict, unit=False),
    "predict, regression": Entrance(REGRESSOR.predict, unit=False),
    "evaluate": Entrance(lambda x: trainer(autoencoder()).evaluate(x)["total"]),
    "encode": Entrance(AE.encode),
    "encode, VAE": Entrance(V.encode),
    "encode, Gaussian": Entrance(G.encode, unit=False),
    "encode, conditional": Entrance(lambda x: C.encode(x, LABELS)),
    "posterior": Entrance(lambda x: V.posterior(x)[1]),
    "reconstruct": Entrance(AE.reconstruct),
    "reconstruct, conditional": Entrance(lambda x: C.reconstruct(x, LABELS)),
    "interpolate start": Entrance(lambda x: AE.interpolate(x, X)),
    "interpolate end": Entrance(lambda x: AE.interpolate(X, x)),
    "interpolate end, conditional": Entrance(lambda x: C.interpolate(X, x, labels=LABELS)),
    "sample like": Entrance(lambda x: AE.sample(2, like=x, rng=rng())),
    "restyle": Entrance(lambda x: C.restyle(x, LABELS)),
    "log_prob": Entrance(AE.log_prob),
    "log_prob, VAE": Entrance(lambda x: V.log_prob(x, rng=rng())),
    "log_prob, conditional": Entrance(lambda x: C.log_prob(x, LABELS, rng=rng())),
    "jacobian_norms": Entrance(lambda x: jacobian_norms(V, x)),
    "elbo": Entrance(lambda x: elbo(V, x, draws=1, rng=rng()).total.mean),
    "elbo of a Dataset": Entrance(
        lambda x: elbo(C, Dataset(x, LABELS), draws=1, rng=rng()).total.mean
    ),
    "importance_nll": Entrance(
        lambda x: importance_nll(G, x, samples=1, rng=rng()).mean, unit=False
    ),
    "mean_image": Entrance(mean_image, shape=False, unit=False),
    "PCA fit": Entrance(lambda x: PCA(2).fit(x).variances, shape=False, unit=False),
    "PCA encode": Entrance(P.encode, unit=False),
    "PCA reconstruct": Entrance(P.reconstruct, unit=False),
    "PCA errors": Entrance(P.errors, unit=False),
    "PCA log_prob": Entrance(P.log_prob, unit=False),
    "linear_vae_optimum": Entrance(
        lambda x: linear_vae_optimum(x, 1.0, 2).total, shape=False, unit=False
    ),
    "NearestNeighbours fit": Entrance(
        lambda x: NearestNeighbours(2).fit(x, LABELS).codes, shape=False, unit=False
    ),
    "NearestNeighbours predict": Entrance(NEAR.predict, unit=False),
    "SoftmaxProbe fit": Entrance(
        lambda x: SoftmaxProbe(2).fit(x, LABELS).predict(x), shape=False, unit=False
    ),
    "SoftmaxProbe predict": Entrance(SOFT.predict, unit=False),
    **{
        f"{f.__name__} {which}": Entrance(call, unit=f not in (metrics.sse, metrics.mse))
        for f in (metrics.sse, metrics.mse, metrics.bce, metrics.psnr, metrics.ssim)
        for which, call in {
            "images": lambda x, f=f: f(x, 1 - X),
            "pictures": lambda x, f=f: f(1 - X, x),
        }.items()
    },
    "bce_floor": Entrance(metrics.bce_floor, shape=False),
    "Dataset": Entrance(lambda x: Dataset(x, LABELS).images / np.float32(1), shape=False),
    "columns": Entrance(lambda x: columns(x, np.arange(2)), shape=False, unit=False, dark=False),
    "binarize": Entrance(
        lambda x: binarize(x, "threshold", rng=rng()) > 0, shape=False, batch=False
    ),
    **{
        name: Entrance(call, shape=shape, batch=shape, unit=name != "masking", dark=False)
        for name, call, shape in [
            ("gaussian_noise", lambda x: gaussian_noise(x, 0, 0.5, rng=rng()), False),
            ("salt_and_pepper", lambda x: salt_and_pepper(x, 0.5, rng=rng()), False),
            ("masking", lambda x: masking(x, 0.5, rng=rng()), False),
            ("downsample", lambda x: downsample(x, 2), True),
            ("upsample_nearest", lambda x: upsample_nearest(x, 2), True),
            ("upsample_bilinear", lambda x: upsample_bilinear(x, 2), True),
        ]
    },
    "image_grid": Entrance(lambda x: figure(lambda: plots.image_grid(x))),
    "image_rows": Entrance(lambda x: figure(lambda: plots.image_rows({"a": x}))),
    "manifold": Entrance(lambda x: figure(lambda: plots.manifold(lambda z: [*x][:4], side=2))),
}
DROPPED = ("manifold",)
"""Where the table's function takes the container apart."""


class Tensor:
    """An array in somebody else's hands: it can be converted, and nothing more is known."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.x, dtype)

    def __len__(self) -> int:
        return len(self.x)


class Sparse:
    """SciPy's matrices, as far as NumPy is concerned."""

    def toarray(self) -> Any:
        return X


class Elsewhere:
    """A tensor that is not in main memory."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("can't convert device type tensor to numpy")


def frozen(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


def strided(x: Any) -> Any:
    y = np.zeros((2 * len(x), *x.shape[1:]), x.dtype)
    y[::2] = x
    return y[::2]


SAME: dict[str, Callable[[Any], Any]] = {
    "a list": lambda x: x.tolist(),
    "a list of arrays": list,
    "a tuple": tuple,
    "a tensor": Tensor,
    "read-only": frozen,
    "every other row": strided,
    "axes in another order of memory": np.asfortranarray,
    "big-endian": lambda x: x.astype(">f4"),
    "float16": lambda x: x.astype(np.float16),
    "masked, but nothing is": np.ma.array,
    "float64": lambda x: x.astype(np.float64),
}


@pytest.mark.parametrize("container", SAME)
@pytest.mark.parametrize("name", IMAGES)
def test_what_numpy_converts_without_loss_is_the_same(name: str, container: str) -> None:
    if name in DROPPED and container == "a tensor":
        pytest.skip("the table takes it apart")
    call, tolerance = IMAGES[name].call, 1e-4 if container in ("a list", "float64") else 0
    got, want = call(SAME[container](X)), call(X)
    if name in ("gaussian_noise", "salt_and_pepper", "masking"):
        want = call(np.asarray(SAME[container](X), got.dtype))  # float64 draws other noise
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [k for k, e in IMAGES.items() if e.batch and e.shape])
def test_bytes_are_255ths_everywhere(name: str) -> None:
    grey = (255 * X).astype(np.uint8)
    if name in ("downsample", "upsample_nearest", "upsample_bilinear"):
        with pytest.raises(ValueError, match=f"{name} x: expected .*, got uint8; divide by 255"):
            IMAGES[name].call(grey)
        return
    got, want = (IMAGES[name].call(x) for x in (grey, grey / np.float32(255)))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


GARBAGE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "a word": lambda: "images",
    "a number": lambda: 3.5,
    "objects": lambda: X.astype(object),
    "strings": lambda: X.astype(str),
    "complex": lambda: X.astype(complex),
    "dates": lambda: X.astype("M8[s]"),
    "records": lambda: np.zeros((N, *SHAPE), [("a", "f4")]),
    "long double": lambda: X.astype(np.longdouble),
    "int64": lambda: (255 * X).astype(int),
    "uint16": lambda: (255 * X).astype(np.uint16),
    "a list of integers": lambda: (255 * X).astype(int).tolist(),
    "masked": lambda: np.ma.array(X, mask=X > 0.9),
    "a list of masked": lambda: [*np.ma.array(X, mask=X > 0.9)],
    "sparse": Sparse,
    "on a device": Elsewhere,
    "ragged": lambda: [[0.5], [0.5, 0.5]],
    "a generator": lambda: (x for x in X),
    "a dictionary": lambda: {"x": X},
    "NaN": lambda: np.where(X.max() == X, np.nan, X),
    "infinite": lambda: np.where(X.max() == X, np.inf, X),
    "minus infinite": lambda: np.where(X.max() == X, -np.inf, X),
    "no numbers": lambda: X[:, :, :0],
    "none": lambda: X[:0],
}
DROPPED_GARBAGE = ("None", "a number", "sparse", "on a device", "a generator", "a dictionary")


def refused(name: str, x: Any) -> None:
    """Check that an entrance refuses x and says who expected what and what it got."""
    with pytest.raises(ValueError, match="expected") as error:
        IMAGES[name].call(x)
    assert "got" in str(error.value)
    assert any(word in str(error.value) for word in name.replace(",", "").split())


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", IMAGES)
def test_garbage_is_refused_in_words(name: str, garbage: str) -> None:
    if name in DROPPED and garbage in (*DROPPED_GARBAGE, "masked", "a word", "none"):
        pytest.skip("the table takes it apart")
    if (name, garbage) == ("fit validation", "None"):
        return  # which means that there is none
    refused(name, GARBAGE[garbage]())


@pytest.mark.parametrize("name", [k for k, e in IMAGES.items() if e.shape])
def test_channels_last_are_refused(name: str) -> None:
    refused(name, np.moveaxis(X, 1, -1))


@pytest.mark.parametrize("name", [k for k, e in IMAGES.items() if e.batch])
def test_a_vector_is_no_batch(name: str) -> None:
    refused(name, X.ravel())


@pytest.mark.parametrize("name", [k for k, e in IMAGES.items() if e.unit])
def test_floats_up_to_255_are_refused(name: str) -> None:
    refused(name, 255 * X)


@pytest.mark.parametrize("name", [k for k, e in IMAGES.items() if e.dark])
def test_bytes_of_zeros_and_ones_are_refused(name: str) -> None:
    refused(name, (X > 0.5).astype(np.uint8))


# Codes

Z: Any = np.random.default_rng(1).integers(-8, 9, (N, 2)).astype(np.float32) / 4
CODES = {
    "decode": V.decode,
    "decode, conditional": lambda z: C.decode(z, LABELS),
    "PCA decode": P.decode,
    "latent_scatter": lambda z: plots.latent_scatter(z, LABELS),
    "latent_panels": lambda z: plots.latent_panels({"a": z}, LABELS),
    "code_panels": lambda z: plots.code_panels({"a": z}, LABELS, draws={"a": Z}),
    "code_panels draws": lambda z: plots.code_panels({"a": Z}, LABELS, draws={"a": z}),
    "code_images": plots.code_images,
    "kl_panels": lambda z: plots.kl_panels({"a": z}),
    "active_units": active_units,
    "histograms": lambda z: plots.histograms({"a": z}, xlabel="z"),
}
TWO = [k for k in CODES if k not in ("histograms", "code_images", "kl_panels", "active_units")]
"""Where codes are of two numbers."""
BAD_CODES = {
    "bytes": lambda: Z.astype(np.uint8),
    "integers": lambda: Z.astype(int),
    "NaN": lambda: np.where(Z.max() == Z, np.nan, Z),
    "objects": lambda: Z.astype(object),
    "masked": lambda: np.ma.array(Z, mask=Z > 0),
    "none": lambda: Z[:0],
    "None": lambda: None,
}


@pytest.mark.parametrize("container", SAME)
@pytest.mark.parametrize("name", CODES)
def test_codes_may_be_any_container(name: str, container: str) -> None:
    got, want = (CODES[name](z) for z in (SAME[container](Z), Z))
    if isinstance(want, np.ndarray):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", BAD_CODES)
@pytest.mark.parametrize("name", CODES)
def test_what_are_no_codes_is_refused(name: str, bad: str) -> None:
    with pytest.raises(ValueError, match=rf"{name.split(',')[0]}.*expected.*got"):
        CODES[name](BAD_CODES[bad]())


@pytest.mark.parametrize("name", TWO)
def test_codes_of_another_shape_are_refused(name: str) -> None:
    for z in (Z[:, None], Z[:, :1], Z.T, Z[0]):
        with pytest.raises(ValueError, match=rf"{name.split(',')[0]}.*expected.*got"):
            CODES[name](z)


# Labels


class Series:
    """A data frame's column whose rows are named by their places in another order."""

    def __init__(self, values: Any) -> None:
        self.values, self.index = values, np.argsort(values, kind="stable")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.values, dtype)

    def __getitem__(self, rows: Any) -> Any:
        return self.values[self.index[rows]]

    def __len__(self) -> int:
        return len(self.values)


LABELLED: dict[str, Callable[[Any], Any]] = {
    "fit a Dataset": lambda y: fitted(vae(ConditionalVAE, K, classes=K), Dataset(X, y)),
    "fit a classifier": lambda y: fitted(classifier(), Dataset(X, y)),
    "evaluate": lambda y: trainer(C).evaluate(Dataset(X, y))["total"],
    "elbo": lambda y: elbo(C, Dataset(X, y), draws=1, rng=rng()).total.mean,
    "encode": lambda y: C.encode(X, y),
    "posterior": lambda y: C.posterior(X, y)[1],
    "decode": lambda y: C.decode(Z, y),
    "reconstruct": lambda y: C.reconstruct(X, y),
    "log_prob": lambda y: C.log_prob(X, y, rng=rng()),
    "sample": lambda y: C.sample(labels=y, rng=rng()),
    "interpolate": lambda y: C.interpolate(X, X, labels=y),
    "restyle": lambda y: C.restyle(X, y),
    "loss": lambda y: C.loss(np.moveaxis(X, 0, -1).copy(), y, rng=rng())[0]["total"],
    "Dataset": lambda y: Dataset(X, y).labels,
    "NearestNeighbours": lambda y: NearestNeighbours(2).fit(X, y).labels,
    "SoftmaxProbe": lambda y: SoftmaxProbe(2).fit(X, y).layer.w.value,
    "accuracy": lambda y: accuracy(LABELS[::-1], y),
    "accuracy of": lambda y: accuracy(y, LABELS[::-1]),
    "balanced": lambda y: balanced(y, K, rng=rng()),
    "latent_scatter": lambda y: len(plots.latent_scatter(Z, y).axes[0].texts),
    "latent_panels": lambda y: len(plots.latent_panels({"a": Z}, y).axes[0].texts),
    "code_panels": lambda y: len(plots.code_panels({"a": Z}, y, draws={"a": Z}).axes[0].texts),
}
SAME_LABELS: dict[str, Callable[[Any], Any]] = {
    "a list": lambda y: y.tolist(),
    "a tuple": lambda y: tuple(y.tolist()),
    "a column of a data frame": Series,
    **{kind: lambda y, kind=kind: y.astype(kind) for kind in ("u1", "i1", ">i4", "u8", "object")},
}
BAD_LABELS: dict[str, Callable[[], Any]] = {
    "words": lambda: LABELS.astype(str),
    "words as objects": lambda: LABELS.astype(str).astype(object),
    "floats": lambda: LABELS.astype(float),
    "one-hot": lambda: np.eye(K)[LABELS],
    "a matrix": lambda: LABELS[:, None],
    "negative": lambda: LABELS - 1,
    "one is missing": lambda: [*LABELS[:-1], None],
    "masked": lambda: np.ma.array(LABELS, mask=LABELS > 0),
    "None": lambda: None,
}


@pytest.mark.parametrize("container", SAME_LABELS)
@pytest.mark.parametrize("name", LABELLED)
def test_labels_are_the_same_in_any_container(name: str, container: str) -> None:
    got, want = (LABELLED[name](y) for y in (SAME_LABELS[container](LABELS), LABELS))
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("bad", BAD_LABELS)
@pytest.mark.parametrize("name", LABELLED)
def test_what_are_no_labels_is_refused(name: str, bad: str) -> None:
    with pytest.raises(ValueError, match=r"(labels|predicted): expected.*got"):
        LABELLED[name](BAD_LABELS[bad]())


@pytest.mark.parametrize("name", [k for k in LABELLED if k not in ("sample", "balanced")])
def test_as_many_labels_as_images(name: str) -> None:
    for labels in (LABELS[:-1], [*LABELS, 0]):
        with pytest.raises(ValueError, match=r"(labels|predicted): expected.*got"):
            LABELLED[name](labels)


@pytest.mark.parametrize(
    "name", ["fit a Dataset", "fit a classifier", *[k for k in LABELLED if k in dir(C)]]
)
def test_a_class_that_the_model_has_not_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"labels: expected 0 … 2, got 0 … 3"):
        LABELLED[name]([*LABELS[:-1], K])


def test_a_label_out_of_range_is_found_before_the_first_step() -> None:
    t, right = trainer(vae(ConditionalVAE, K, classes=K)), Dataset(X, LABELS)
    wrong = Dataset(X, [*LABELS[:-1], K])
    for sets in ((wrong, right), (right, wrong)):
        with pytest.raises(ValueError, match=r"fit (data|validation) labels: expected 0 … 2"):
            t.fit(sets[0], validation=sets[1], epochs=1)
    assert t.optimizer.steps == 0


@pytest.mark.parametrize("model", [AE, V, G], ids=["autoencoder", "VAE", "Gaussian VAE"])
def test_a_loss_takes_columns_in_the_models_order_alone(model: Any) -> None:
    for axes in ((2, 3, 1, 0), (0, 1, 2, 3)):
        x = np.ascontiguousarray(X.transpose(axes))
        with pytest.raises(ValueError, match=r"loss: expected \(3, 12, 12, N\), got"):
            model.loss(x, rng=rng())


def test_rows_of_an_accepted_set_are_not_refused_for_their_darkness() -> None:
    grey = (255 * X).astype(np.uint8)
    grey[:4] = X[:4] > 0.5
    data = Dataset(grey, LABELS)
    for rows in (slice(0, 4), np.arange(4), [0, 1, 2, 3]):
        assert len(data[rows]) == 4
    trainer(autoencoder()).fit(data[:4], validation=data[:4], epochs=1)
    elbo(V, data[:4], draws=1, rng=rng())
    for nothing in (slice(0, 0), 3):
        with pytest.raises(ValueError, match="Dataset: expected a slice or row numbers"):
            data[nothing]
