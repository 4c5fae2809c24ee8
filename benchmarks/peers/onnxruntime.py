"""ONNX Runtime: the graph with all optimisations, or with the extended ones only.

ALL changes the layout of convolutions besides, which is slower on some processors.
"""

import numpy as np
import onnxruntime as ort

from nnscratch.core import Array

from .graph import half
from .serve import Job, Jobs, threads

LEVELS = {
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}


def inference(what: str, variant: str) -> Job:
    """Return 10,000 images to codes, or codes to images."""
    model, chunks = half(what)
    options = ort.SessionOptions()
    options.graph_optimization_level = LEVELS[variant]
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run() -> Array:
        return np.concatenate([session.run(None, {"x0": x})[0] for x in chunks])

    return Job(run, lambda: {"y": run()})


JOBS: Jobs = {"inference": inference}
