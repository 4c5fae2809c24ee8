/* Samples that are no pictures: (T, D), T steps of D numbers. Each of the D has a panel: a curve
 * over the steps, or of a single step, a row of a table, a bar from the mean of its column. */

const ROW = 24, CURVE = 150, FEW = 60;  // heights of a panel, in pixels of the page
const MARGIN = 10, FOOT = 16, NUMBER = 44;

export class Chart {
  /** form: shape, names, and of each of the D numbers low, middle (its mean) and high. */
  constructor({ shape: [T, D], ...form }) {
    Object.assign(this, form, { T, D, cell: [72, Math.min(96, Math.max(48, 8 * D))] });
    this.height = T === 1 ? ROW : Math.max(FEW, CURVE / D);
  }

  numbers(x) { return Float64Array.from(x); }

  /** The sample that is the mean of every number. */
  empty() {
    return Float32Array.from({ length: this.T * this.D }, (_, i) => this.middle[i % this.D]);
  }

  /** The place of a value between low and high, 0 … 1; what lies outside is put at the edge. */
  share(value, d) {
    const share = (value - this.low[d]) / (this.high[d] - this.low[d]);
    return Math.min(Math.max(share, 0), 1);
  }

  /** Draws number d of a sample into a panel: a curve, or a bar that takes a part of its height. */
  series(c, values, d, [x, y, width, height], part) {
    if (this.T === 1) {
      const [from, to] = [this.middle[d], values[d]].map(value => x + width * this.share(value, d));
      const thick = part * height, left = Math.min(from, to);
      c.fillRect(left, y + (height - thick) / 2, Math.max(Math.abs(to - from), 1), thick);
      return;
    }
    c.beginPath();
    for (let t = 0; t < this.T; t++) {
      const share = this.share(values[t * this.D + d], d);
      c.lineTo(x + width * t / (this.T - 1), y + height * (1 - share));
    }
    c.stroke();
  }

  /** Draws a sample small, with its corner at (x, y). */
  stamp(c, values, x, y) {
    const [width, height] = this.cell, each = (height - 6) / this.D;
    c.strokeStyle = c.fillStyle = "#2a8fd0";
    c.lineWidth = 1.5;
    c.setLineDash([]);
    for (let d = 0; d < this.D; d++)
      this.series(c, values, d, [x + 3, y + 3 + d * each, width - 6, each], 0.7);
  }

  /** The panel of number d on a canvas that is `width` wide: [x, y, width, height]. */
  panel(d, width) {
    const names = this.T === 1 ? 0.36 * width : NUMBER, numbers = this.T === 1 ? NUMBER : MARGIN;
    return [names, 6 + d * this.height, width - names - numbers, this.height - 6];
  }

  /** Draws series, {values, colour, part, width, dash} each, one over the other; the pen, if there
   * is one, is at entry `pen`. */
  draw(canvas, series, pen = -1) {
    const ratio = window.devicePixelRatio || 1, { T, D } = this, width = canvas.clientWidth;
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = (D * this.height + FOOT) * ratio;
    const c = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(name);
    c.scale(ratio, ratio);
    c.font = "11px system-ui, sans-serif";
    for (let d = 0; d < D; d++) {
      const panel = this.panel(d, width), [x, y, w, h] = panel;
      c.fillStyle = colour("--paper");
      c.fillRect(x, y, w, h);
      this.words(c, d, panel, series[0].values, colour("--quiet"));
      for (const { values, colour: name, part, width: thick, dash } of series) {
        c.strokeStyle = c.fillStyle = colour(name);
        c.lineWidth = thick;
        c.setLineDash(dash ?? []);
        this.series(c, values, d, panel, part);
      }
    }
    if (pen >= 0) {
      const [x, y, w, h] = this.panel(pen % D, width), t = Math.floor(pen / D);
      c.fillStyle = "#d5260b";
      if (T === 1) c.fillRect(x - 5, y, 3, h);
      else c.fillRect(x + w * t / (T - 1) - 1, y, 2, h);
    }
  }

  /** Writes a panel's name, and its numbers: of a bar the value, of a curve both ends of axes. */
  words(c, d, [x, y, w, h], values, colour) {
    const short = value => String(Number(value.toPrecision(3))).replace("-", "−");
    c.fillStyle = colour;
    c.textBaseline = "middle";
    c.textAlign = "right";
    if (this.T === 1) {
      c.fillText(this.names[d], x - 8, y + h / 2, x - 10);
      c.fillText(short(values[d]), x + w + NUMBER - 2, y + h / 2);
      return;
    }
    c.fillText(short(this.high[d]), x - 5, y + 5);
    c.fillText(short(this.low[d]), x - 5, y + h - 5);
    if (this.D > 1) c.fillText(this.names[d], x - 5, y + h / 2, x - 7);
    if (d < this.D - 1) return;
    c.fillText(`step ${this.T}`, x + w, y + h + 9);
    c.textAlign = "left";
    c.fillText("1", x, y + h + 9);
  }

  /** The entry and the value that a pointer points at. */
  from(event, canvas) {
    const box = canvas.getBoundingClientRect(), { T, D } = this;
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const d = Math.min(Math.max(Math.floor((py - 6) / this.height), 0), D - 1);
    const [x, y, w, h] = this.panel(d, box.width), clamp = s => Math.min(Math.max(s, 0), 1);
    const share = clamp(T === 1 ? (px - x) / w : 1 - (py - y) / h);
    const t = Math.round(clamp((px - x) / w) * (T - 1));
    return { t, d, value: this.low[d] + share * (this.high[d] - this.low[d]) };
  }
}

/** A chart to draw on, by pointer or arrow keys. onChange() is called after each change. */
export class ChartPad {
  constructor(canvas, chart, onChange) {
    Object.assign(this, { canvas, chart, onChange, pen: 0, values: chart.empty() });
    let last = null;
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      this.line(last = chart.from(event, canvas), last);
    });
    canvas.addEventListener("pointermove", event => {
      if (!last) return;
      const to = chart.from(event, canvas);
      if (chart.T === 1) to.d = last.d;  // a bar stays in hand
      this.line(to.d === last.d ? last : to, to);
      last = to;
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => { last = null; });
    canvas.addEventListener("keydown", event => this.key(event));
    for (const change of ["focus", "blur"]) canvas.addEventListener(change, () => this.show());
  }

  /** Sets all steps from one place to another, on the straight line between them. */
  line(from, to) {
    const { D } = this.chart, steps = Math.abs(to.t - from.t);
    for (let k = 0; k <= steps; k++) {
      const share = steps ? k / steps : 1, t = Math.round(from.t + share * (to.t - from.t));
      this.values[t * D + to.d] = (1 - share) * from.value + share * to.value;
    }
    this.pen = to.t * D + to.d;
    this.changed();
  }

  /** Along the sample the pen goes to another entry, across it the entry changes. */
  key(event) {
    const { T, D, low, high } = this.chart, count = T * D, d = this.pen % D;
    const keys = T === 1 ? ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]
      : ["ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp"];
    const which = keys.indexOf(event.key);
    if (which < 0) return;
    event.preventDefault();
    if (which < 2) {  // all steps of one curve, then of the next
      const place = d * T + Math.floor(this.pen / D) + (which ? 1 : -1);
      const at = (place + count) % count;
      this.pen = (at % T) * D + Math.floor(at / T);
      this.show();
      return;
    }
    const moved = this.values[this.pen] + (which - 2.5) * (high[d] - low[d]) / 10;
    this.values[this.pen] = Math.min(Math.max(moved, low[d]), high[d]);
    this.changed();
  }

  changed() {
    this.show();
    this.onChange();
  }

  set(values) {
    this.values = Float32Array.from(values);
    this.show();
  }

  show() {
    const here = document.activeElement === this.canvas && this.canvas.matches(":focus-visible");
    const series = [{ values: this.values, colour: "--act", part: 0.6, width: 2 }];
    this.chart.draw(this.canvas, series, here ? this.pen : -1);
  }
}
