"""Exercise 11. The loss of a VAE: what is a sum, and what is a mean

The loss of a VAE is the negative ELBO, two terms with a weight β:

    total = reconstruction + β KL

The reconstruction is the binary cross-entropy of exercise 4: logits a and
pixels t, both (D, N). The KL is that of exercise 10: mu and logvar, both (L,
N). You may copy your functions from there.

Return all three numbers, total, reconstruction and kl (without β), in nats an
image, and the gradients of the total.

The start of the derivation
---------------------------
For ONE image, log p(x) ≥ E log p(x|z) - KL. log p(x|z) is a sum over D pixels:
the pixels are independent, given z, and the log of a product is a sum. The KL
is a sum over L dimensions, for the same reason. Nothing is divided by D or by
L. Who writes np.mean over pixels gives the KL a weight of D, which is 784 for a
digit, and wonders why nothing is drawn but one blurred image.

For a BATCH, the loss is the mean over its N images. So both terms are divided
by N, and so are all gradients.

Check your answer:   python -m nnscratch.exercises check elbo
"""

import numpy as np


def loss(a, t, mu, logvar, beta):
    """Return total, reconstruction, kl: three floats."""
    raise NotImplementedError


def gradient(a, t, mu, logvar, beta):
    """Return da (D, N), dmu (L, N), dlogvar (L, N): the gradients of total."""
    raise NotImplementedError
