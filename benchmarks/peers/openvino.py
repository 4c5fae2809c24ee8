"""OpenVINO in float32: its default on some processors is bfloat16. Hints: latency or throughput."""

from io import BytesIO
from typing import Any

import numpy as np
import openvino as ov

from nnscratch.core import Array

from .graph import half
from .serve import Job, Jobs, threads


def inference(what: str, variant: str) -> Job:
    """Return 10,000 images to codes, or codes to images; as many chunks at once as it likes."""
    model, chunks = half(what)
    core = ov.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads(),
        "PERFORMANCE_HINT": variant.upper(),
        "CPU_DENORMALS_OPTIMIZATION": True,
    }
    compiled = core.compile_model(core.read_model(BytesIO(model)), "CPU", settings)
    size = len(chunks[0])
    y = np.empty((size * len(chunks), *compiled.output(0).shape[1:]), np.float32)
    queue = ov.AsyncInferQueue(compiled)

    def keep(request: Any, i: int) -> None:
        y[i * size : (i + 1) * size] = request.get_output_tensor(0).data

    queue.set_callback(keep)

    def run() -> Array:
        for i, x in enumerate(chunks):
            queue.start_async({0: x}, i)
        queue.wait_all()
        return y

    return Job(run, lambda: {"y": run()})


JOBS: Jobs = {"inference": inference}
