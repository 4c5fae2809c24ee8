import numpy as np


def effect(model, images, sigma, rng):
    codes = model.encode(images)
    noise = (sigma * rng.standard_normal(codes.shape)).astype(codes.dtype)
    change = model.decode(codes + noise) - model.decode(codes)
    return np.sum(change.astype(np.float64) ** 2) / len(images)
