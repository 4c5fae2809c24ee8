"""A layer or loss, explained by one small example: every line of its source with its numbers."""

from .examples import EXAMPLES, example
from .explanation import Explanation, explain

__all__ = ["EXAMPLES", "Explanation", "example", "explain"]
