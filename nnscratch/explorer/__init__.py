"""A trained autoencoder as one page that runs in a browser, without a network or a server."""

from .page import write

__all__ = ["write"]
