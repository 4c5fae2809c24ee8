"""Autoencoders of tables as scikit-learn's estimators; needs the extra `sklearn`.

    from nnscratch.sklearn import VAE

    codes = make_pipeline(StandardScaler(), VAE(2, random_state=0)).fit_transform(X)

They follow scikit-learn's rules: parameters are kept as they were given and judged by `fit`, what
has been learned is in attributes with a trailing underscore, and rows are samples.
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from . import models
from ._moved import renamed
from .core import Array
from .likelihoods import Likelihood
from .losses import gaussian_kl_per_sample
from .optimizers import Adam
from .training import Trainer

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_array, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "nnscratch.sklearn needs scikit-learn 1.6 or later: pip install 'nnscratch[sklearn]'"
    ) from error

__all__ = ["VAE", "AutoencoderTransformer"]

FLOATS = [np.float64, np.float32]
"""A model is of the dtype of the X that it is fitted to; what is none of these becomes float64."""

DRAWS = 16
"""How many draws of a code the score of a VAE is the mean of."""

if not TYPE_CHECKING:  # for a type checker there are no names of earlier versions
    __getattr__ = renamed(__name__)


class _Transformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both have in common: a network of Dense layers and ReLU for rows of a table."""

    n_components: int
    hidden: tuple[int, ...]
    likelihood: Likelihood | None
    learning_rate: float
    epochs: int
    batch_size: int
    random_state: Any
    threads: int | None
    model_: models.Autoencoder
    n_features_in_: int

    name: str
    """What `build` calls the model."""

    def options(self) -> dict[str, Any]:
        """Return what `build` is told beside sizes and likelihood."""
        return {}

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train a new model on X (n_samples, n_features); y is not used.

        Raises
            ValueError if X is no table of finite numbers, or a parameter makes no sense.
        """
        X = validate_data(self, X, dtype=FLOATS)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.model_ = models.build(
            self.name,
            X.shape[1:],
            self.n_components,
            hidden=self.hidden,
            likelihood=self.likelihood,
            dtype=X.dtype,
            rng=np.random.default_rng(seed),
            **self.options(),
        )
        self.seed_ = seed
        batch = min(self.batch_size, len(X))
        run = Trainer(
            self.model_, Adam(self.learning_rate), seed=seed, batch_size=batch, threads=self.threads
        )
        self.history_ = run.fit(X, epochs=self.epochs)
        return self

    def transform(self, X: Any) -> Array:
        """Return the codes of X, (n_samples, n_components); of a VAE their means."""
        X = self._checked(X)
        return self.model_.encode(X, threads=self.threads).astype(X.dtype)

    def inverse_transform(self, X: Any) -> Array:
        """Return the rows that codes (n_samples, n_components) stand for."""
        check_is_fitted(self)
        X = check_array(X, dtype=FLOATS)
        return self.model_.decode(X, threads=self.threads).astype(X.dtype)

    def score_samples(self, X: Any) -> Array:
        """Return log p(x | its code) of each row, (n_samples,); low where x is unlike the rest.

        For the likelihood SquaredError, which is an autoencoder's default, it is -|x - x̂|².
        """
        X = self._checked(X)
        return self.model_.log_prob(X, threads=self.threads).astype(X.dtype)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples`: what GridSearchCV makes as large as it can."""
        return float(np.mean(self.score_samples(X)))

    def _checked(self, X: Any) -> Array:
        """Return X as the model takes it, checked."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=FLOATS, reset=False)

    @property
    def _n_features_out(self) -> int:
        """How many names `get_feature_names_out` has to make."""
        return self.model_.code_shape[0]

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's description of the estimator: floats keep their dtype."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class AutoencoderTransformer(_Transformer):
    """Rows of a table as few numbers, from which an autoencoder restores them.

        n_components   numbers of a code
        hidden         sizes of the layers between, from the rows to the code; the way back has them
                       in the reverse order
        likelihood     what is lost: one of nn.likelihoods; nn.SquaredError() if None
        learning_rate  Adam's
        epochs         how often each row is seen
        batch_size     rows a step, all if there are fewer
        random_state   a seed, or scikit-learn's generator: the same seed learns the same
        threads        how many threads work, all cores if None: 1 beside GridSearchCV's n_jobs

    Columns should be of one scale: put a StandardScaler before it. Learned are `model_`, the
    nn.Autoencoder, and `history_`, a row for each epoch.
    """

    name = "table_autoencoder"

    def __init__(
        self,
        n_components: int = 2,
        *,
        hidden: tuple[int, ...] = (64,),
        likelihood: Likelihood | None = None,
        learning_rate: float = 1e-3,
        epochs: int = 100,
        batch_size: int = 128,
        random_state: Any = None,
        threads: int | None = None,
    ) -> None:
        self.n_components, self.hidden, self.likelihood = n_components, hidden, likelihood
        self.learning_rate, self.epochs, self.batch_size = learning_rate, epochs, batch_size
        self.random_state, self.threads = random_state, threads


class VAE(_Transformer):
    """Rows of a table as codes of a variational autoencoder, which fill a Gaussian.

        beta        weight of the KL
        likelihood  nn.LearnedGaussian() if None, whose variances are learned

    The other parameters, and what is learned, are AutoencoderTransformer's; `model_` is an nn.VAE.
    """

    name = "table_vae"
    model_: models.VAE

    def __init__(
        self,
        n_components: int = 2,
        *,
        hidden: tuple[int, ...] = (64,),
        likelihood: Likelihood | None = None,
        beta: float = 1.0,
        learning_rate: float = 1e-3,
        epochs: int = 100,
        batch_size: int = 128,
        random_state: Any = None,
        threads: int | None = None,
    ) -> None:
        self.n_components, self.hidden, self.likelihood = n_components, hidden, likelihood
        self.learning_rate, self.epochs, self.batch_size = learning_rate, epochs, batch_size
        self.random_state, self.threads, self.beta = random_state, threads, beta

    def options(self) -> dict[str, Any]:
        """Return the weight of the KL."""
        return {"beta": self.beta}

    def score_samples(self, X: Any) -> Array:
        """Return the ELBO of each row, nats (n_samples,), which is at most log p(x).

        It is the mean over DRAWS codes. All rows share the draws of ε, which come from the seed:
        a row has the same score in any company.
        """
        X = self._checked(X)
        mu, logvar = (a.T for a in self.model_.posterior(X, threads=self.threads))
        x = np.ascontiguousarray(X.T, self.model_.dtype)
        decode, log_prob = self.model_.decoder.inference().forward, self.model_.likelihood.log_prob
        noise = np.random.default_rng(self.seed_).standard_normal((DRAWS, len(mu), 1), mu.dtype)
        total = sum(log_prob(decode(mu + np.exp(logvar / 2) * eps)[0], x) for eps in noise)
        return (total / DRAWS - gaussian_kl_per_sample(mu, logvar)).astype(X.dtype)
