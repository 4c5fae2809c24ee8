"""Autoencoders with every gradient written by hand and proved by a machine."""
