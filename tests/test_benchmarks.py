"""The benchmarks run, agree before they time, and write what they promise. No time is asserted."""

import csv
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    bfloat16,
    contenders,
    contest,
    inference,
    ladder,
    machine,
    precision,
    report,
    rungs,
    timing,
    training,
    workloads,
)
from benchmarks import networks as net
from benchmarks.__main__ import NAMES, main
from benchmarks.options import parse
from nnscratch.kernels.machine.threads import cores

WRITTEN = {
    "training": ["training.csv", "training.md"],
    "inference": ["inference.csv", "inference.md"],
    "precision": ["precision.csv", "precision.md"],
    "layers": ["layers.csv", "layers.md"],
    "recurrent": ["recurrent.csv", "recurrent.md"],
    "music": ["music.csv", "music.md"],
    "batches": ["batches.csv", "batches.md"],
    "threads": ["threads.csv", "threads.md"],
    "cold": ["cold.csv", "cold.md"],
    "memory": ["memory.csv", "memory.md", "folders.csv", "folders.md"],
    "ladder": ["ladder.csv", "ladder.md", "ladder.png"],
    "tiles": ["tiles.csv", "tiles.md"],
    "ranks": ["ranks.csv", "ranks.md", "rank_predictions.csv", "rank_predictions.md"],
}


@pytest.mark.parametrize("name", NAMES)
def test_smoke(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Peers take part in one, if they are installed; they take seconds to start."""
    who = [] if name == "training" else ["--contenders", "nnscratch"]
    import_module(f"benchmarks.{name}").main(["--smoke", "--out", str(tmp_path), *who])
    assert "Python 3" in capsys.readouterr().out
    for file in WRITTEN[name]:
        assert (tmp_path / file).stat().st_size > 0


def test_another_checkout_takes_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It runs its own code: a copy that draws other noise reports other losses."""
    copy = tmp_path / "copy"
    shutil.copytree(Path(workloads.__file__).parent, copy / "benchmarks")
    workload = copy / "benchmarks" / "workloads.py"
    options = ["--smoke", "--contenders", "nnscratch", "--out", str(tmp_path)]
    training.main([*options, "--before", str(copy)])
    assert "× nnscratch before" in capsys.readouterr().out
    source = workload.read_text()
    assert source.count("default_rng(seed)") > 0
    workload.write_text(source.replace("default_rng(seed)", "default_rng(seed + 1)"))
    with pytest.raises(AssertionError, match="nnscratch before has another loss"):
        training.main([*options, "--before", str(copy)])


def test_a_checkout_without_benchmarks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse("What?\n", ["--before", str(tmp_path)], ["W1"], smoke=["W1"])
    assert "expected a checkout with benchmarks/peers, got" in capsys.readouterr().err


def test_the_list_names_every_benchmark_with_its_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    main()
    out = capsys.readouterr().out
    for name in NAMES:
        assert re.search(rf"^ +{name} +.*\?$", out, re.MULTILINE), name


@pytest.mark.parametrize("words", [[], ["training", "--help"]])
def test_list_and_help_without_docstrings_where_output_is_narrow(words: list[str]) -> None:
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONOPTIMIZE": "2"}
    command = (sys.executable, "-m", "benchmarks", *words)
    root = Path(__file__).parents[1]
    found = subprocess.run(command, cwd=root, capture_output=True, env=env, check=False)
    assert found.returncode == 0, found.stderr
    assert b"training" in found.stdout or b"--workloads" in found.stdout


def test_an_unknown_benchmark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit, match=r"expected one of training, .*, got 'speed'"):
        main()


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("What?\n", ["--workloads", "W9"], ["W1", "W2"], smoke=["W1"])
    assert "expected some of W1,W2, got 'W9'" in capsys.readouterr().err


@pytest.mark.parametrize("label", rungs.RUNGS)
@pytest.mark.parametrize("K", [1, 3, 5])
def test_every_rung_equals_the_loops(label: str, K: int, rng: np.random.Generator) -> None:
    x = rng.standard_normal((16, 3, 5, 4), np.float32)
    w = rng.standard_normal((5, 3, K, K), np.float32)
    b = rng.standard_normal(5, np.float32)
    rung = rungs.RUNGS[label]
    y = rungs.batch_first(rung, rung.function(rungs.layout(rung, x), w, b))
    np.testing.assert_allclose(y, rungs.loops(x, w, b), rtol=0, atol=2e-5)


def test_a_rung_that_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = rungs.RUNGS["NumPy"]._replace(function=lambda x, w, b: rungs.numpy_arrays(x, w, -b))
    monkeypatch.setitem(rungs.RUNGS, "NumPy", wrong)
    with pytest.raises(AssertionError, match="tiny: NumPy differs"):
        ladder.check("tiny", *ladder.draw_case(ladder.TINY))


@pytest.mark.parametrize(
    ("features", "unit"),
    [({"avx2"}, ""), ({"avx512bf16"}, "AVX512-BF16"), ({"amx-bf16", "avx512bf16"}, "AMX")],
)
def test_what_multiplies_bfloat16(
    features: set[str], unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bfloat16, "processor_features", lambda: features)
    monkeypatch.setattr(bfloat16, "find_spec", lambda name: None)
    assert bfloat16.unit() == unit
    wanted = "PyTorch is not installed" if unit else "none of AMX, AVX512-BF16"
    assert wanted in bfloat16.why_not()


@pytest.mark.skipif(bool(bfloat16.why_not()), reason=bfloat16.why_not())
def test_bfloat16_is_near_the_loops() -> None:
    """It rounds what it multiplies, and what it returns, to 8 bits: by up to 2⁻⁹ each."""
    x, w, b = ladder.draw_case(ladder.TINY)
    times, y = bfloat16.measure(x, w, b, 2, 0.01)
    assert len(times) == 2
    assert min(times) > 0
    far = np.abs(y - rungs.compiled_loops(x, w, b)).max() / np.abs(y).max()
    assert 2**-12 < far < 3 * 2**-9


# Parameters and operations of a step, counted by hand in the yardstick.
COUNTS = {
    "W1": (807_700, 516_161_536),
    "W2": (4_385, 548_388_864),
    "W3": (28_353, 3_410_362_368),
    "W4": (134_165, 5_101_142_016),
    "W5a": (425_284, 44_560_000),
    "W5b": (3_904_400, 5_578_424_320),
    "W7": (581_763, 4_208_984_064),
    "W8a": (425_284, 44_560_000),
    "W8b": (425_284, 143_824_000),
    "W8c": (425_284, 1_260_544_000),
}


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_workloads_are_as_large_as_counted(name: str) -> None:
    workload = workloads.WORKLOADS[name]
    assert (workload.parameters(), workload.flops()) == COUNTS[name]
    *_, (_, _, output) = workload.shapes()
    assert output == workload.input_shape


def test_batches_are_the_digits_in_order() -> None:
    first = workloads.batches(workloads.WORKLOADS["W2"])[1]
    assert first.shape == (128, 1, 28, 28)
    np.testing.assert_array_equal(first[:, 0], workloads.images()[128:256] / np.float32(255))


def test_colours_are_mixed_by_the_digits_grey() -> None:
    """All ink is one colour, all paper another, and every channel lies between the two."""
    first, grey = workloads.colour_images()[0], workloads.images()[0]
    paper = first[:, 0, 0]
    assert (first[:, 0] == paper[:, None]).all()
    inked = first[:, 2:-2, 2:-2][:, grey == 255]
    assert (inked == inked[:, :1]).all()
    share = grey / 255
    mixed = share * inked[:, :1, None] + (1 - share) * paper[:, None, None]
    np.testing.assert_allclose(first[:, 2:-2, 2:-2], mixed, atol=1)


def test_a_batch_in_colour() -> None:
    first = workloads.batches(workloads.WORKLOADS["W7"])[1]
    assert first.shape == (128, 3, 32, 32)
    np.testing.assert_array_equal(first, workloads.colour_images()[128:256] / np.float32(255))


class Obedient:
    """A worker that has already answered."""

    def __init__(self, label: str, **arrays: np.ndarray) -> None:
        self.contender = contenders.Contender("ours", "", label)
        self.kept = arrays

    def arrays(self) -> dict[str, np.ndarray]:
        return self.kept


def test_contenders_that_disagree_are_not_timed() -> None:
    one, other = np.ones(3, np.float32), np.full(3, 1.001, np.float32)
    check = contest.equal_arrays(1e-4)
    assert check("dw", [Obedient("a", dw=one), Obedient("b", dw=one)]) == "equal to 0e+00"
    with pytest.raises(AssertionError, match=r"dw: b and a differ in y, by 1\.0e-03"):
        check("dw", [Obedient("a", y=one), Obedient("b", y=other)])
    with pytest.raises(AssertionError, match="differ in the shape of y"):
        check("dw", [Obedient("a", y=one), Obedient("b", y=one[:2])])
    with pytest.raises(AssertionError, match="name their arrays differently"):
        check("dw", [Obedient("a", y=one), Obedient("b", z=one)])


def test_a_worker_that_fails_says_why() -> None:
    with contest.working([contest.Worker(contenders.OURS, 1)]) as (worker,):
        with pytest.raises(RuntimeError, match="KeyError: 'W9'"):
            worker.ask("build", job="training", name="W9", variant="")
        assert worker.ask("memory")["rss_mb"] > 0


class Unable(Obedient):
    """A worker that cannot build."""

    def ask(self, do: str, **order: object) -> None:
        raise RuntimeError("PyTorch compiled: build {}:\nno C++ compiler")


def test_a_peer_that_cannot_build_is_named_and_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    worker = Unable("nnscratch")
    with pytest.raises(RuntimeError, match="no C"):
        contest.built(worker, "training", "W1")
    worker.contender = contenders.Contender("torch", "compile", "PyTorch compiled")
    assert not contest.built(worker, "training", "W1")
    assert "W1: left out, PyTorch compiled: no C++ compiler" in capsys.readouterr().out


class Timed(Obedient):
    """A worker whose time a run is given, and which counts its steps."""

    def __init__(self, peer: str, label: str, each: float) -> None:
        self.contender = contenders.Contender(peer, "", label)
        self.each, self.steps = each, 0

    def ask(self, do: str, **order: object) -> dict[str, object]:
        if do == "values":
            self.steps += int(order["count"])
            self.each *= 2
        return {"note": "", "each": self.each, "peak_mb": 1.0}


def test_late_steps_are_timed_after_training_and_laggards_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contest, "REST", 0.0)
    group = [Timed("ours", "us", 3.0), Timed("jax", "near", 1.2), Timed("jax", "best", 1.0)]
    group += [Timed("torch", "far", 1.3)]
    options = parse("What?\n", ["--after", "7"], ["W1"], smoke=["W1"], after=1500)
    outcome = contest.contest(group, "training", "W1", lambda *_: "equal", options)
    assert [worker.steps for worker in group] == [7, 7, 7, 0]
    assert {label: its[0] for label, its in outcome.early.items()} == {
        "us": 3.0, "near": 1.2, "best": 1.0, "far": 1.3
    }  # fmt: skip
    assert {label: its[0] for label, its in outcome.times.items()} == {
        "us": 6.0, "near": 2.4, "best": 2.0
    }  # fmt: skip
    assert outcome.ratios["us"] == pytest.approx([1 / 3] * options.rounds)


def test_without_steps_early_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "REST", 0.0)
    group = [Timed("ours", "us", 1.0), Timed("torch", "far", 9.0)]
    options = parse("What?\n", ["--after", "0"], ["W1"], smoke=["W1"], after=1500)
    outcome = contest.contest(group, "training", "W1", lambda *_: "equal", options)
    assert outcome.times == outcome.early
    assert [worker.steps for worker in group] == [0, 0]


def test_steps_before_the_late_ones_are_no_negative_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse("What?\n", ["--after", "-1"], ["W1"], smoke=["W1"], after=1500)
    assert "--after: expected 0 or more, got -1" in capsys.readouterr().err


def test_a_contender_needs_all_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "find_spec", lambda name: None if name == "onnx" else name)
    missing = {c.label: c.missing for c in contenders.INFERRERS}
    assert missing["ONNX Runtime"] == missing["OpenVINO, latency"] == ("onnx",)
    assert missing["nnscratch"] == missing["PyTorch eager"] == ()


def test_channels_last_is_only_for_images() -> None:
    dense = contenders.fitting(contenders.REDUCED, workloads.WORKLOADS["W1"])
    assert [c for c in contenders.REDUCED if c not in dense] == [
        contenders.Contender("torch", "autocast channels_last", "PyTorch autocast, channels_last")
    ]
    images = contenders.fitting(contenders.REDUCED, workloads.WORKLOADS["W2"])
    assert images == list(contenders.REDUCED)


def test_keras_has_no_loss_of_several_samples() -> None:
    of_one, of_five = (
        {c.peer for c in contenders.fitting(contenders.TRAINERS, workloads.WORKLOADS[name])}
        for name in ("W5a", "W8b")
    )
    assert of_one == {"ours", "torch", "jax", "tensorflow"}
    assert of_five == {"ours", "torch", "jax"}


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_held_out_images_are_in_no_batch(name: str) -> None:
    workload = workloads.WORKLOADS[name]
    assert workload.batch * workloads.BATCHES <= 10_000 - workloads.HELD_OUT
    x, eps = workloads.held_out(workload)
    assert x.shape == (1000, *workload.input_shape)
    assert eps.shape == (*[workload.samples] * bool(workload.samples), 1000, workload.latent or 0)


@pytest.mark.parametrize("name", ["W1", "W2"])
def test_the_held_out_loss_of_zero_weights(name: str) -> None:
    """Logits of zero cost ln 2 a pixel, and μ = log σ² = 0 no KL."""
    first = net.first_weights(workloads.WORKLOADS[name])
    zero = {str(i): np.zeros_like(a) for i, a in enumerate(a for pair in first for a in pair)}
    assert precision.held_out_loss(name, zero) == pytest.approx(784 * np.log(2), rel=1e-6)


def log_weights(workload: net.Workload, x: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """Return log p(x, z)/q(z|x) of z = μ + σ ε, (K, N), from the first weights, in float64."""
    pairs = iter(net.first_weights(workload))

    def stack(layers: tuple[net.Layer, ...], y: np.ndarray) -> np.ndarray:
        for layer in layers:
            weight, bias = next(pairs)
            y = y @ weight.T.astype(np.float64) + bias
            y = np.tanh(y) if getattr(layer, "act", None) else y
        return y

    def log_normal(z: np.ndarray, mu: np.ndarray, variance: np.ndarray) -> np.ndarray:
        return -((z - mu) ** 2 / variance + np.log(2 * np.pi * variance)).sum(axis=-1) / 2

    mu, logvar = np.split(stack(workload.encoder, x), 2, axis=1)
    z = mu + np.exp(logvar / 2) * eps
    a = stack(workload.decoder, z)
    log_p = (x * a - np.logaddexp(0, a)).sum(axis=-1)
    one = np.ones_like(logvar)
    return log_p + log_normal(z, 0 * one, one) - log_normal(z, mu, np.exp(logvar))


def log_mean(log_w: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(log_w, axis=0) - np.log(len(log_w))


EACH = [contenders.OURS, contenders.TRAINERS[1], contenders.JAX]


@pytest.mark.parametrize("name", ["W8a", "W8b"])
@pytest.mark.parametrize("contender", EACH, ids=lambda c: c.label)
def test_a_weighted_loss_is_the_logarithm_of_a_mean(
    contender: contenders.Contender, name: str
) -> None:
    if contender.missing:
        pytest.skip(f"{contender.missing} is not installed")
    workload = workloads.WORKLOADS[name]
    x, eps = workloads.batches(workload)[0], workloads.noise(workload)[0]
    with contest.working([contest.Worker(contender, 1)]) as (worker,):
        worker.ask("build", job="training", name=name, variant=contender.variant)
        (loss,) = worker.ask("values", count=1)["values"]
    assert loss == pytest.approx(-log_mean(log_weights(workload, x, eps)).mean(), rel=2e-6)


@pytest.mark.parametrize("peer", ["ours", "torch", "jax"])
def test_a_bound_of_the_noise_that_is_handed(peer: str) -> None:
    module = pytest.importorskip(f"benchmarks.peers.{peer}")
    if peer == "ours":
        job = module.nll("nll", "")
    elif peer == "torch":
        job = module.nll_in_chunks(10, "eager")
    else:
        job = module.nll_in_chunks(10)
    x, eps = workloads.nll_images() / 255.0, workloads.nll_noise()
    expected = -log_mean(log_weights(workloads.WORKLOADS[workloads.NLL], x, eps))
    np.testing.assert_allclose(job.arrays()["nll"], expected, rtol=2e-6)


class Bounding(Obedient):
    """A worker that has bounds of the noise it was handed, and a mean of its own."""

    def __init__(self, label: str, mean: float, **arrays: np.ndarray) -> None:
        super().__init__(label, **arrays)
        self.mean = mean

    def ask(self, do: str, **order: object) -> dict[str, object]:
        return {"values": [self.mean]}


def test_bounds_of_other_draws_agree_as_nearly_as_chance_allows() -> None:
    handed = np.full(40, 560, np.float32)
    good = [Bounding("a", 545.8, nll=handed), Bounding("b", 545.6, nll=handed)]
    said = inference.same_bounds("nll", good)
    assert said == "equal to 0e+00 on equal noise, to 4e-04 on everybody's own"
    a_sum = Bounding("c", 545.8 - np.log(workloads.DRAWS), nll=handed)
    with pytest.raises(AssertionError, match=r"nll: c has another bound, by 1\.6e-02"):
        inference.same_bounds("nll", [*good, a_sum])
    other = Bounding("d", 545.8, nll=handed - np.log(np.float32(12)))
    with pytest.raises(AssertionError, match=r"nll: d and a differ in nll, by 4\.4e-03"):
        inference.same_bounds("nll", [*good, other])


@pytest.mark.parametrize("K", [3, 5])
@pytest.mark.parametrize("S", [2, 3])
def test_convolutions_by_blocks(K: int, S: int, rng: np.random.Generator) -> None:
    """They are XLA's strided and transposed convolutions."""
    pytest.importorskip("jax")
    from benchmarks.peers import blocks
    from benchmarks.peers import jax as peer

    P, x = K // 2, rng.standard_normal((2, 3 * S, 4 * S, 5)).astype(np.float32)
    w = rng.standard_normal((K, K, 5, 6)).astype(np.float32)
    zero = np.zeros(6, np.float32)
    conv = net.Conv(5, 6, kernel=K, stride=S, padding=P)
    far = {"rtol": 0, "atol": 1e-4}
    np.testing.assert_allclose(
        blocks.strided(x, w, S, P), peer.apply(conv, (w, zero), x)[:, :3, :4], **far
    )
    up = net.ConvTranspose(5, 6, kernel=K, stride=S)
    np.testing.assert_allclose(blocks.transposed(x, w, S, P), peer.apply(up, (w, zero), x), **far)


def test_keras_weights_there_and_back() -> None:
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    from benchmarks.peers import tensorflow as peer

    for workload in workloads.WORKLOADS.values():
        first = net.first_weights(workload)
        back = peer.from_keras(workload, peer.to_keras(workload, first))
        for a, b in zip((a for pair in first for a in pair), back, strict=True):
            np.testing.assert_array_equal(a, b)


def test_ratios_are_taken_turn_by_turn() -> None:
    """A burst that slows down both in one turn leaves the ratio alone."""
    assert timing.quotients([2.0, 20.0], [1.0, 10.0]) == [2.0, 2.0]
    assert timing.spread([2.0, 1.0, 4.0]) == "2.00 (1.00-4.00)"


def test_repeat_waits_for_the_last_run() -> None:
    done: list[int] = []
    runs = iter(range(1000))
    each = timing.repeat(lambda: next(runs), done.append, 0.0)
    assert each >= 0
    assert done == [0, 1]


def test_a_table_is_text_csv_and_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = report.Table(("what", "ms", "steps"))
    table.add("W1", 1.23456, 1000)
    table.add("longer", 1234.5, 5)
    table.publish(tmp_path, "t", "a machine")
    assert "longer  1234      5\n" in capsys.readouterr().out
    with open(tmp_path / "t.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["what", "ms", "steps"], ["W1", "1.23456", "1000"], ["longer", "1234.5", "5"]]
    assert "| W1 | 1.23 | 1000 |" in (tmp_path / "t.md").read_text()
    with pytest.raises(ValueError, match="expected 3 cells, got 1"):
        table.add("W2")


def test_the_picture_of_ratios(tmp_path: Path) -> None:
    report.draw_ratios(tmp_path / "none.png", "no peers", {"W1": {}})
    assert not (tmp_path / "none.png").exists()
    groups = {"W1": {"nnscratch": [1.5, 1.6], "peer": [1.0, 1.0]}}
    report.draw_ratios(tmp_path / "some.png", "a title", groups)
    assert (tmp_path / "some.png").read_bytes().startswith(b"\x89PNG")


def test_the_machine_is_measured() -> None:
    assert machine.peak_gflops(1, 0.01) > 0
    assert machine.bandwidth(0.1, 1, 0.01) > 0
    assert "1 of" in machine.header(1)
    assert machine.between_cores(1) == ""


@pytest.mark.skipif(cores() < 2, reason="there is one core")
def test_the_distance_of_two_cores_is_measured() -> None:
    assert 0 < machine.handover_ns(0.01) < float("inf")
    assert "ns from core to core" in machine.between_cores(2)
