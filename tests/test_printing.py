"""What print shows of models and trainers, and the tables of their layers."""

from typing import Any

import numpy as np
import pytest
import tiny

from nnscratch.layers import Dense, Sequential
from nnscratch.likelihoods import Gaussian
from nnscratch.losses import l1_penalty
from nnscratch.models import (
    VAE,
    AdversarialAutoencoder,
    Autoencoder,
    Classifier,
    ConditionalVAE,
    Masking,
    Regressor,
)
from nnscratch.optimizers import SGD, Adam
from nnscratch.schedules import Linear
from nnscratch.training import AdversarialTrainer, Trainer

D, L = tiny.D, tiny.L


def test_a_model_prints_its_networks_and_its_loss() -> None:
    assert repr(tiny.vae(beta=0.5)).splitlines() == [
        "VAE(",
        "  encoder: Sequential(",
        "    0: Dense(16, 8)",
        "    1: Tanh()",
        "    2: Dense(8, 4)",
        "  )",
        "  decoder: Sequential(",
        "    0: Dense(2, 8)",
        "    1: Tanh()",
        "    2: Dense(8, 16)",
        "  )",
        "  likelihood: Bernoulli()",
        "  loss: 1 reconstruction + 0.5 kl",
        ")",
    ]


def test_a_model_prints_what_it_was_made_with() -> None:
    model = tiny.autoencoder(
        likelihood=Gaussian(0.5), corruption=Masking(0.3), penalties={"l1": (0.1, l1_penalty)}
    )
    text = repr(model)
    assert "\n  likelihood: Gaussian(variance=0.5)\n" in text
    assert "\n  corruption: Masking(fraction=0.3)\n" in text
    assert "\n  loss: 1 reconstruction + 0.1 l1\n" in text


def adversarial() -> AdversarialAutoencoder:
    rng = np.random.default_rng(0)
    judge = Dense(L, 1, rng=rng)
    return AdversarialAutoencoder(tiny.encoder(L), tiny.decoder(), judge, input_shape=(D,))


def conditional() -> ConditionalVAE:
    rng = np.random.default_rng(0)
    encoder, decoder = Dense(D + 3, 2 * L, rng=rng), Dense(L + 3, D, rng=rng)
    return ConditionalVAE(encoder, decoder, L, classes=3, input_shape=(D,))


def supervised(kind: Any) -> Any:
    return kind(tiny.encoder(3), input_shape=(D,))


MODELS: list[Any] = [
    tiny.autoencoder(),
    tiny.vae(),
    adversarial(),
    conditional(),
    supervised(Classifier),
    supervised(Regressor),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_summary_has_every_layer_and_every_parameter(model: Any) -> None:
    found = model.summary()
    networks = [part for part in vars(model).values() if isinstance(part, Sequential)]
    assert len(found.rows) == sum(map(len, networks))
    sizes = [p.value.size for p in model.parameters().values()]
    assert found.parameters == sum(row.parameters for row in found.rows) == sum(sizes)
    for name, (network, shape) in model.parts().items():
        last = [row for row in found.rows if row.name.startswith(f"{name}.")][-1]
        assert last.output_shape == network.output_shape(shape)


def test_the_summary_of_a_vae() -> None:
    names = [row.name for row in tiny.vae().summary().rows]
    assert names[:2] == ["encoder.0 Dense(16, 8)", "encoder.1 Tanh()"]
    assert names[-1] == "decoder.2 Dense(8, 16)"


def test_a_trainer_prints_the_model_the_optimiser_and_how_far_it_is() -> None:
    trainer = Trainer(tiny.vae(), SGD(0.1), seed=3, batch_size=16, anneal={"beta": Linear(0, 1, 9)})
    trainer.fit(tiny.images(32), epochs=2)
    text = repr(trainer)
    assert text.startswith(
        "Trainer(\n  model: VAE(\n    encoder: Sequential(\n      0: Dense(16, 8)"
    )
    assert "\n  optimizer: SGD(learning_rate=0.1, " in text
    assert "\n  beta: Linear(start=0.0, end=1.0, steps=9)\n" in text
    assert "\n  run: seed 3, batch_size 16, micro_batch 16, replicas 1, patience None\n" in text
    assert text.endswith("\n  done: epoch 2, batch 0\n)")


def test_an_adversarial_trainer_prints_both_players() -> None:
    text = repr(AdversarialTrainer(adversarial(), Adam(1e-3), SGD(0.1), seed=0))
    assert "\n  optimizer: Adam(" in text
    assert "\n  discriminator: SGD(" in text


def test_every_model_prints_its_kind() -> None:
    for model in MODELS:
        assert repr(model).startswith(f"{type(model).__name__}(\n")
    assert {type(model) for model in MODELS} >= {Autoencoder, VAE}
