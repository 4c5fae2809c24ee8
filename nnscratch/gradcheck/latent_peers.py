"""What PyTorch computes for the losses of codes (latent_losses.py), from its own distributions.

The batch is the first axis of every tensor, so a codebook (K, D) is one of (D, K) here.
"""

from typing import Any

from .image_peers import Peer


def _mmd(kernel: Any) -> Peer:
    """The U-statistic over all pairs of rows, for a kernel of (torch, r², squared width)."""

    def peer(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
        z, p = args
        (N, L), scales = z.shape, (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

        def total(a: Any, b: Any) -> Any:
            r2 = (a[:, None] - b).square().sum(-1)
            return sum(kernel(torch, r2, 2 * L * scale) for scale in scales)

        pairs = ~torch.eye(N, dtype=torch.bool)
        within = total(z, z)[pairs].mean() + total(p, p)[pairs].mean()
        return within - 2 * total(z, p).mean()

    return peer


def _codebook_error(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    codebook, tokens, z = args
    chosen = torch.nn.functional.embedding(tokens, codebook.T)
    return torch.nn.functional.mse_loss(chosen, z.swapaxes(1, 2), reduction="sum") / len(z)


def _kl_decomposition(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    z, mu, logvar, log_w = args
    log_w = log_w.T  # (n, m)
    normal = torch.distributions.Normal
    given = normal(mu, (logvar / 2).exp()).log_prob(z).sum(1)
    pairs = normal(mu, (logvar / 2).exp()).log_prob(z[:, None])  # (n, m, l)
    joint = torch.logsumexp(pairs.sum(2) + log_w, 1)
    margins = torch.logsumexp(pairs + log_w[:, :, None], 1).sum(1)
    prior = normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(1)
    return torch.stack([(given - joint).mean(), (joint - margins).mean(), (margins - prior).mean()])


def _mixture_kl(torch: Any, layer: Any, args: list[Any], theta: dict[str, Any]) -> Any:
    z, mu, logvar, means, logvars = args
    d = torch.distributions
    each = d.Independent(d.Normal(means, (logvars / 2).exp()), 1)
    prior = d.MixtureSameFamily(d.Categorical(torch.ones_like(means[:, 0])), each)
    given = d.Normal(mu, (logvar / 2).exp()).log_prob(z).sum(1)
    return (given - prior.log_prob(z)).mean()


LATENT: dict[str, Peer] = {
    "imq_mmd": _mmd(lambda torch, r2, C: C / (C + r2)),
    "rbf_mmd": _mmd(lambda torch, r2, C: torch.exp(-r2 / C)),
    "codebook_error": _codebook_error,
    "kl_decomposition": _kl_decomposition,
    "mixture_kl": _mixture_kl,
}
