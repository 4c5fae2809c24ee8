"""The tests of the book: each displayed equation and each measured number of docs/."""
