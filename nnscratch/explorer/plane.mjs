/* A plane of codes on a canvas: marks by class, ellipses, a cursor, paths; pointer and keys. */

import { ARROWS } from "./drawing.mjs";

const RADII = [0.5, 0.95].map(share => Math.sqrt(-2 * Math.log(1 - share)));  // in σ
const EDGES = [0.6744898, 1.9599640];  // the same for a single number
const NEAR = 16;  // pixels between a pointer and the mark that it points at

export class Plane {
  /** options: points [[x, y], …], marks (a letter or "" each), colours (of each), prior (draw the
   * circles of N(0, I)?), names of the axes, onMove(x, y), onPoint(i, picked), onKey(event); and if
   * codes are a single number, heights at which their marks stand, -1 … 1. */
  constructor(canvas, options) {
    Object.assign(this, options);
    this.canvas = canvas;
    this.radii = this.heights ? EDGES : RADII;
    this.faded = () => false;
    this.view = { cursor: null, ellipse: null, paths: [], draws: [], chosen: -1 };
    this.backdrop = null;
    this.fit();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** Chooses the part of the plane to show: a square with all points, and 95 % of the prior. */
  fit() {
    const span = a => {
      const values = this.points.map(p => p[a]), edge = this.prior ? this.radii[1] : 0;
      return [Math.min(-edge, ...values), Math.max(edge, ...values)];
    };
    const spans = this.heights ? [span(0), [0, 0]] : [span(0), span(1)];
    this.half = 0.54 * Math.max(1e-6, ...spans.map(([low, high]) => high - low));
    this.centre = spans.map(([low, high]) => (low + high) / 2);
    this.heights?.forEach((height, i) => { this.points[i][1] = 0.85 * this.half * height; });
    this.base = null;
  }

  resize() {
    const scale = window.devicePixelRatio || 1, side = Math.round(this.canvas.clientWidth * scale);
    if (!side || side === this.canvas.width) return;
    this.canvas.width = this.canvas.height = side;
    this.unit = side / this.canvas.clientWidth;  // pixels of the canvas in one of the page
    this.redraw();
  }

  /** From the plane to the canvas, and back from a pointer. */
  at([x, y]) {
    const s = this.canvas.width / (2 * this.half);
    return [(x - this.centre[0] + this.half) * s, (this.half - y + this.centre[1]) * s];
  }

  from(event) {
    const box = this.canvas.getBoundingClientRect(), s = 2 * this.half / box.width;
    return [this.centre[0] - this.half + (event.clientX - box.left) * s,
            this.centre[1] + this.half - (event.clientY - box.top) * s];
  }

  nearest([x, y]) {
    let best = -1, least = (NEAR * this.unit * 2 * this.half / this.canvas.width) ** 2;
    this.points.forEach(([u, v], i) => {
      const distance = (u - x) ** 2 + (v - y) ** 2;
      if (distance < least && !this.faded(i)) [best, least] = [i, distance];
    });
    return best;
  }

  listen() {
    const { canvas } = this;
    let start = null, dragged = false;
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      [start, dragged] = [[event.clientX, event.clientY], false];
    });
    canvas.addEventListener("pointermove", event => {
      if (!start) {
        if (event.pointerType === "mouse") this.onPoint(this.nearest(this.from(event)), false);
        return;
      }
      dragged ||= Math.hypot(event.clientX - start[0], event.clientY - start[1]) > 4;
      if (dragged) this.onMove(...this.from(event));
    });
    canvas.addEventListener("pointerup", event => {
      const place = this.from(event), i = this.nearest(place);
      if (start && !dragged) i >= 0 ? this.onPoint(i, true) : this.onMove(...place);
      start = null;
    });
    canvas.addEventListener("pointercancel", () => { start = null; });
    canvas.addEventListener("keydown", event => {
      const arrow = ARROWS[event.key];
      if (arrow && this.view.cursor) {
        const step = this.half * (event.shiftKey ? 0.1 : 0.02);
        this.onMove(...this.view.cursor.map((value, a) => value + step * arrow[a]));
      } else if (!this.onKey(event)) return;
      event.preventDefault();
    });
  }

  redraw() {
    this.base = null;
    this.draw();
  }

  /** What changes only with the size, the theme, the classes shown or the backdrop. */
  drawBase() {
    const { width } = this.canvas, base = new OffscreenCanvas(width, width), unit = this.unit;
    const c = base.getContext("2d"), style = getComputedStyle(document.documentElement);
    this.ink = style.getPropertyValue("--ink");
    if (this.backdrop) {
      c.imageSmoothingEnabled = false;
      const { width: w, height: h } = this.backdrop, high = this.heights ? width * h / w : width;
      c.drawImage(this.backdrop, 0, (width - high) / 2, width, high);
    }
    c.strokeStyle = c.fillStyle = style.getPropertyValue("--quiet");
    c.lineWidth = unit;
    c.font = `${11 * unit}px system-ui, sans-serif`;
    c.globalAlpha = 0.5;
    const step = 10 ** Math.floor(Math.log10(this.half));
    const [left, top] = [0, 1].map(a => this.centre[a] - this.half);
    const every = [5, 2, 1].map(n => n * step).find(n => this.half / n >= 1.5) ?? step / 2;
    for (let tick = Math.ceil(left / every) * every; tick < left + 2 * this.half; tick += every)
      this.label(c, tick, this.at([tick, 0])[0], width - 5 * unit, "center");
    const end = this.heights ? top : top + 2 * this.half;
    for (let tick = Math.ceil(top / every) * every; tick < end; tick += every)
      this.label(c, tick, 5 * unit, this.at([0, tick])[1] + 4 * unit, "left");
    if (this.prior) for (const r of this.radii) this.ellipse(c, [0, 0], [r, r], [4, 4]);
    c.globalAlpha = 1;
    c.textAlign = "right";
    c.fillText(`${this.names[0]} →`, width - 6 * unit, width - 18 * unit);
    c.textAlign = "left";
    if (!this.heights) c.fillText(`↑ ${this.names[1]}`, 6 * unit, 14 * unit);
    c.font = `600 ${11 * unit}px system-ui, sans-serif`;
    c.textAlign = "center";
    this.points.forEach((point, i) => {
      const [x, y] = this.at(point);
      c.globalAlpha = this.faded(i) ? 0.08 : this.backdrop ? 0.55 : 0.9;
      c.fillStyle = `color-mix(in srgb, ${this.colours[i]}, ${style.getPropertyValue("--mixed")})`;
      if (this.marks[i]) c.fillText(this.marks[i], x, y + 4 * unit);
      else this.dot(c, x, y, 3 * unit);
    });
    return base;
  }

  label(c, value, x, y, align) {
    c.textAlign = align;
    c.fillText(String(Number(value.toPrecision(2))).replace("-", "−"), x, y);
  }

  dot(c, x, y, radius) {
    c.beginPath();
    c.arc(x, y, radius, 0, 2 * Math.PI);
    c.fill();
  }

  ellipse(c, centre, radii, dash = []) {
    const [x, y] = this.at(centre), s = this.canvas.width / (2 * this.half);
    c.setLineDash(dash.map(length => length * this.unit));
    c.beginPath();
    if (this.heights) for (const edge of [x - radii[0] * s, x + radii[0] * s]) {
      c.moveTo(edge, 0);
      c.lineTo(edge, this.canvas.width);
    } else c.ellipse(x, y, radii[0] * s, radii[1] * s, 0, 0, 2 * Math.PI);
    c.stroke();
  }

  draw() {
    if (!this.canvas.width || !this.unit) return;
    this.base ??= this.drawBase();
    const c = this.canvas.getContext("2d"), { cursor, ellipse, paths, draws, chosen } = this.view;
    const unit = this.unit;
    c.clearRect(0, 0, this.canvas.width, this.canvas.width);
    c.drawImage(this.base, 0, 0);
    c.strokeStyle = c.fillStyle = this.ink;
    for (const [index, path] of paths.entries()) {
      c.setLineDash(index ? [6 * unit, 4 * unit] : []);
      c.lineWidth = 1.5 * unit;
      c.beginPath();
      path.forEach(point => c.lineTo(...this.at(point)));
      c.stroke();
    }
    c.lineWidth = 1.5 * unit;
    for (const r of ellipse ? this.radii : [])
      this.ellipse(c, ellipse.mu, ellipse.sigma.map(s => r * s));
    c.setLineDash([]);
    for (const point of draws) this.dot(c, ...this.at(point), 1.7 * unit);
    if (chosen >= 0) {
      c.beginPath();
      c.arc(...this.at(this.points[chosen]), 8 * unit, 0, 2 * Math.PI);
      c.stroke();
    }
    if (cursor) this.cross(c, ...this.at(cursor), unit);
  }

  cross(c, x, y, unit) {
    for (const [colour, width] of [["#fff", 4.5], ["#d5260b", 2]]) {
      c.strokeStyle = colour;
      c.lineWidth = width * unit;
      c.beginPath();
      for (const [u, v] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        c.moveTo(x + 3 * u * unit, y + 3 * v * unit);
        c.lineTo(x + 11 * u * unit, y + 11 * v * unit);
      }
      c.stroke();
    }
  }
}
