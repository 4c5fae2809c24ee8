"""The command line, `nnscratch`: a module for each subcommand, and what they share.

    program.py   which subcommands there are, errors, signals, exit codes
    options.py   options that several subcommands have
    sources.py   DATA: a folder, a file or the name of a set, as a Dataset
    settings.py  what defines a run of `train`, on the command line and in run.toml

A module of a subcommand has two functions: `add` puts its parser among the others, and `run` does
its work and returns the exit code. Nothing that takes long to import is imported outside of `run`.
"""

from .program import main

__all__ = ["main"]
