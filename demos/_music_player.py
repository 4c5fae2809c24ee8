"""A page that shows melodies as piano rolls and plays them, in one file and without a network."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from nnscratch.core import IntArray
from nnscratch.files import write_whole

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff }
h2 { margin: 1.6em 0 .2em; font-size: 1.15em }
p { margin: .2em 0 .8em; max-width: 75ch }
.rolls { display: flex; flex-wrap: wrap; gap: 10px 14px }
figure { margin: 0 }
figcaption { display: flex; gap: 8px; align-items: center; font-size: 13px; max-width: 250px }
button { font: inherit; width: 2.4em; border: 1px solid #888; border-radius: 4px;
         background: #f3f3f3; cursor: pointer }
canvas { border: 1px solid #ccc; display: block; margin-top: 3px }
label { margin-right: 1.5em }
"""

SCRIPT = """
const BAR = 16, LOWEST = 21;
let sound = null, playing = null;

function notesOf(tokens) {
  const notes = [];
  let note = null;
  tokens.forEach((token, step) => {
    if (token === 0) return;
    if (note) { note.end = step; notes.push(note); note = null; }
    if (token > 1) note = { start: step, end: tokens.length, pitch: token - 2 + LOWEST };
  });
  if (note) notes.push(note);
  return notes;
}

function draw(canvas, tokens, at) {
  const notes = notesOf(tokens), c = canvas.getContext("2d"), T = tokens.length;
  const pitches = notes.map(n => n.pitch), w = canvas.width / T;
  const low = Math.min(55, ...pitches) - 1, high = Math.max(84, ...pitches) + 1;
  const h = canvas.height / (high - low + 1), y = p => (high - p) * h;
  c.fillStyle = "#fff"; c.fillRect(0, 0, canvas.width, canvas.height);
  c.fillStyle = "#f0f0f0";
  for (let p = low; p <= high; p++)
    if ([1, 3, 6, 8, 10].includes(p % 12)) c.fillRect(0, y(p), canvas.width, h);
  for (let t = 0; t < T; t += 4) {
    c.fillStyle = t % BAR ? "#e2e2e2" : "#999";
    c.fillRect(t * w, 0, 1, canvas.height);
  }
  for (const n of notes) {
    c.fillStyle = at >= n.start && at < n.end ? "#d55e00" : "#0072b2";
    c.fillRect(n.start * w + 1, y(n.pitch), (n.end - n.start) * w - 2, Math.max(h - 1, 2));
  }
  if (at >= 0) { c.fillStyle = "#d55e00"; c.fillRect(at * w, 0, 2, canvas.height); }
}

function stop() {
  if (!playing) return;
  playing.gain.disconnect();
  playing.button.textContent = "\\u25b6";
  draw(playing.canvas, playing.tokens, -1);
  playing = null;
}

function play(button, canvas, tokens) {
  const again = playing && playing.button === button;
  stop();
  if (again) return;
  sound = sound || new AudioContext();
  const step = 15 / document.getElementById("tempo").value;
  const gain = sound.createGain(), start = sound.currentTime + 0.05;
  gain.connect(sound.destination);
  for (const n of notesOf(tokens)) {
    const voice = sound.createOscillator(), level = sound.createGain();
    const from = start + n.start * step, to = start + n.end * step;
    voice.type = "triangle";
    voice.frequency.value = 440 * 2 ** ((n.pitch - 69) / 12);
    level.gain.setValueAtTime(0, from);
    level.gain.linearRampToValueAtTime(0.25, from + 0.01);
    level.gain.setValueAtTime(0.25, Math.max(from + 0.01, to - 0.04));
    level.gain.linearRampToValueAtTime(0, to);
    voice.connect(level); level.connect(gain);
    voice.start(from); voice.stop(to);
  }
  playing = { button, canvas, tokens, gain };
  button.textContent = "\\u25a0";
  const mine = playing;
  (function frame() {
    if (playing !== mine) return;
    const at = (sound.currentTime - start) / step;
    if (at > tokens.length) return stop();
    draw(canvas, tokens, at);
    requestAnimationFrame(frame);
  })();
}

document.querySelectorAll("canvas").forEach(canvas => {
  const tokens = MELODIES[canvas.dataset.n];
  draw(canvas, tokens, -1);
  const button = canvas.parentElement.querySelector("button");
  button.addEventListener("click", () => play(button, canvas, tokens));
});
"""


def player(
    path: Path,
    title: str,
    words: str,
    parts: Mapping[str, tuple[str, Sequence[tuple[str, IntArray]]]],
) -> Path:
    """Write the page: for each part, by its head, what is said about it and melodies with names."""
    melodies: list[list[int]] = []
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(words)}</p>"]
    body.append(
        '<p><label>Quarters a minute <input id="tempo" type="range" min="60" max="240" value="120">'
        "</label></p>"
    )
    for head, (about, named) in parts.items():
        body += [f"<h2>{escape(head)}</h2>", f"<p>{escape(about)}</p>", '<div class="rolls">']
        for name, tokens in named:
            width = 250 if len(tokens) <= 32 else 1040
            label = escape(name)
            body.append(
                f'<figure><figcaption><button aria-label="play {label}">&#9654;</button>'
                f'{label}</figcaption><canvas data-n="{len(melodies)}" width="{width}" '
                'height="110"></canvas></figure>'
            )
            melodies.append(np.asarray(tokens).tolist())
        body.append("</div>")
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>\nconst MELODIES = {json.dumps(melodies)};\n{SCRIPT}</script>\n"
        "</body>\n</html>\n"
    )
    return write_whole(path, text.encode(), "page")
