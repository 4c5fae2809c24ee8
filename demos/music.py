"""Melodies: a VAE that makes tunes up an event at a time, and what its code is worth.

    python -m demos music               about ten minutes on two cores
    python -m demos music --hour        larger networks for longer, on two quiet cores an hour
    python -m demos music --sixteen     and tunes of sixteen bars, with a conductor and without
    python -m demos music --midi DIR    MIDI files of your own in place of the tunes of the package

Two bars are 32 events: a note begins, one ends, or nothing happens. MusicVAE reads them with an
LSTM in both directions, says them in 64 numbers z, and writes them with an LSTM that is given z and
the event before. Such a decoder can guess much of a tune from the events alone, so it hardly needs
z: at β = 1 the KL falls to a few nats, of the twenty or more that the code has at β = 0.2.

No number here is worth anything alone. What always holds, copies a bar, or counts what came after
the last notes, stands beside; and so does the same decoder without a code. All are judged on tune
families that nobody has learned from, by nats a window given the true events before each step:
reconstruction + KL bounds -log p(x) whatever β was. How well z alone says a melody is another
question: "redrawn" is the share of events that come back if the decoder goes on from its own.

What to look at
    samples.png          melodies from draws of the prior: careful ones at low temperatures, wild
                         ones at high ones
    reconstructions.png  held-out melodies, and what comes back of them at β = 0.2 and at β = 1
    interpolation.png    from one melody to another, on an arc of codes and by choosing each event
                         from either of the two: on the arc there is a melody at every place
    between.png          how far it is to both ends, for a thousand such pairs
    likelihood.png       what a model that counts takes for the melodies on the way
    attributes.png       a melody, and the same with an attribute taken from its code or added
    index.html           all of them to be heard, with MIDI and WAV files in folders beside it
    the tables           every model and what it must beat; what each attribute's vector changes

With --sixteen there is a picture more: do melodies of sixteen bars come back to a theme?
"""

from functools import partial

import numpy as np

from demos import _music_tables as tables
from demos import common
from demos._music_files import write_all
from demos._music_models import HIGH, LOW, PLANS, trained
from demos._music_sixteen import compared
from nnscratch.data import Split, melodies, midi_folder
from nnscratch.evaluation.attributes import ATTRIBUTES
from nnscratch.evaluation.melody_baselines import MetreModel
from nnscratch.plots import curves, piano_roll

TEMPERATURES, STEPS, PAIRS = (0.2, 0.5, 1.0, 1.5), 9, 1024

own = {
    "--hour": {"action": "store_true", "help": "larger networks, for longer"},
    "--sixteen": {"action": "store_true", "help": "melodies of sixteen bars, too"},
    "--midi": {"metavar": "DIR", "help": "a folder of MIDI files; default: tunes of the package"},
    "--resume": {"action": "store_true", "help": "go on from the checkpoints under --out"},
    "--threads": {"type": common.between(1, 1024), "help": "default one a core"},
}
options = common.begin("music", own=own)
rng, show = np.random.default_rng(options.seed), partial(common.picture, options)


# %% The melodies
def windows(bars):
    """Return the windows of so many bars to learn from, and those held out."""
    found = [part.windows(bars).tokens for part in tunes]
    return Split(*(x[: common.SMOKE] if options.smoke else x for x in found))


try:
    tunes = melodies() if options.midi is None else tables.split_tunes(midi_folder(options.midi))
    data, sixteen = windows(2), windows(16) if options.sixteen else None
    if any(min(map(len, part)) < 2 for part in (data, sixteen or data)):
        raise ValueError(f"{options.midi}: expected two melodies or more of 2 bars, or of 16")
except (OSError, ValueError) as error:
    common.refuse(error)
train, test = data
print(f"{len(train):,} windows of two bars to learn from, {len(test):,} held out\n")

# %% What counts, and what learns
metre = MetreModel().fit(train, transposed=range(-2, 3))
plan = PLANS["hour" if options.hour else "minutes"]
models = {}
for case in plan.cases:
    models[case] = trained(case, plan, models, data, options)
head, rows = tables.models_table(models, metre, data, rng)
low, high = models[LOW], models[HIGH]

# %% Melodies out of nothing
print("Pictures, files and a page")
parts = {}
samples = [low.sample(4, temperature=t, rng=rng) for t in TEMPERATURES]
names = [f"temperature {t}" for t in TEMPERATURES for _ in range(4)]
title = "Melodies from draws of the prior: what does the temperature do?"
drawn = np.concatenate(samples).astype(np.uint8)
show("samples", piano_roll(drawn, names=names, title=title))
parts["Samples"] = (title, list(zip(names, drawn, strict=True)))

# %% There and back
some = test[:: max(1, len(test) // 4)][:4]
back = [some, low.reconstruct(some), high.reconstruct(some)]
names = [f"{kind}, {i + 1}" for kind in ("melody", LOW, HIGH) for i in range(len(some))]
title = "Held-out melodies and what the decoder makes of their codes alone"
both = np.concatenate(back).astype(np.uint8)
show("reconstructions", piano_roll(both, names=names, columns=len(some), title=title))
parts["Reconstructions"] = (title, list(zip(names, both, strict=True)))

# %% From one to another
order = rng.permutation(len(test))
a, b = test[order[:1]], test[order[1:2]]
way = low.interpolate(a, b, STEPS)[0]
blend = tables.blended(a, b, STEPS, rng)[0]
names = [f"{kind}, {i} of {STEPS - 1}" for kind in ("codes", "events") for i in range(STEPS)]
title = "From one melody to another: on an arc of codes, and by choosing each event from either"
both = np.concatenate([way, blend]).astype(np.uint8)
show("interpolation", piano_roll(both, names=names, columns=3, title=title))
parts["Interpolation"] = (title, list(zip(names, both, strict=True)))

pairs = min(PAIRS, len(test) // 2 if options.smoke else PAIRS)
between = tables.between(low, test, pairs, STEPS, metre, rng)
place = np.linspace(0, 1, STEPS)
distances = {name: line for name, line in between.lines.items() if "distance" in name}
words = {"xlabel": "from one melody to the other", "ylabel": "share of events that differ"}
title = f"How far to both ends, over {pairs} pairs"
show("between", curves(place, distances, title=title, **words))
likely = {name: line for name, line in between.lines.items() if "nats" in name}
words = {"xlabel": "from one melody to the other", "ylabel": "nats a window"}
title = "What a model that counts takes for the melodies on the way"
show("likelihood", curves(place, likely, title=title, **words))

# %% Attributes
vectors = {name: tables.vector(low, train, of) for name, of in ATTRIBUTES.items()}
changes = tables.changes(low, test[:512], vectors)
z = low.encode(some[:1])
steps = (-1.0, 0.0, 1.0)
changed = [low.decode(z + s * v) for v in vectors.values() for s in steps]
names = [f"{name} {s:+g}" for name in vectors for s in steps]
title = "One melody, with each attribute taken from its code and added to it"
moved = np.concatenate(changed).astype(np.uint8)
show("attributes", piano_roll(moved, names=names, columns=len(steps), title=title))
parts["Attributes"] = (title, list(zip(names, moved, strict=True)))

# %% Sixteen bars
table = None
if sixteen is not None:
    table, drawn = compared(sixteen, options, rng)
    names = [name for name, _ in drawn]
    title = "Sixteen bars from the prior, with a conductor and without"
    long = np.stack([melody for _, melody in drawn])
    show("sixteen", piano_roll(long, names=names, columns=1, title=title))
    parts["Sixteen bars"] = (title, drawn)

# %% The files and the tables
print(f"    {write_all(options.out, parts)}")
print(f"\n{common.table(*changes)}\n")
print(between.text)
if table is not None:
    print(f"\n{common.table(*table)}\n")
common.report(
    options,
    head,
    rows,
    attributes=changes[1],
    between={name: line.tolist() for name, line in (between.lines | between.errors).items()},
    sixteen=None if table is None else table[1],
)
