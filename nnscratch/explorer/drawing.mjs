/* Pixels on canvases: pictures that are shown, and a pad on which one draws. A picture in bytes is
 * (C, H, W) in grey levels; as numbers it is in [0, 1], and what leaves that is cut off. */

export const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

/** How pictures of a shape (C, H, W) are shown; chart.mjs has the same for all else. */
export class Picture {
  constructor({ shape }) {
    Object.assign(this, { shape, cell: [shape[2], shape[1]] });
  }

  numbers(bytes) { return Float64Array.from(bytes, value => value / 255); }
  empty() { return new Uint8Array(this.shape[0] * this.shape[1] * this.shape[2]); }

  stamp(c, values, x, y, inverted) {
    c.putImageData(pixels(levels(values), this.shape, inverted), x, y);
  }
}

/** The pixels of a picture in bytes; inverted, black becomes white. */
function pixels(bytes, [C, H, W], inverted = false) {
  const picture = new ImageData(W, H);
  for (let i = 0; i < H * W; i++) {
    for (let c = 0; c < 3; c++) {
      const value = bytes[(C === 3 ? c : 0) * H * W + i];
      picture.data[4 * i + c] = inverted ? 255 - value : value;
    }
    picture.data[4 * i + 3] = 255;
  }
  return picture;
}

const levels = picture =>
  Uint8Array.from(picture, value => Math.round(255 * Math.min(Math.max(value, 0), 1)));

/** Moves a picture by whole pixels so that its centre of mass is in the middle, as MNIST's are. */
export function centred(bytes, [C, H, W]) {
  let mass = 0, row = 0, column = 0;
  bytes.forEach((value, i) => {
    mass += value;
    row += value * (Math.floor(i / W) % H);
    column += value * (i % W);
  });
  if (!mass) return bytes;
  const [down, right] = [H / 2 - row / mass - 0.5, W / 2 - column / mass - 0.5].map(Math.round);
  return bytes.map((_, i) => {
    const [h, m] = [Math.floor(i / W) % H - down, i % W - right];
    return h >= 0 && h < H && m >= 0 && m < W ? bytes[i - down * W - right] : 0;
  });
}

/** A canvas to draw on, by pointer, or by arrow keys while Shift is held. onChange() is called
 * after each piece of a stroke; ink() is the colour, [r, g, b] or [level]. */
export class Pad {
  constructor(canvas, shape, ink, onChange) {
    Object.assign(this, { canvas, shape, ink, onChange });
    this.values = new Uint8Array(shape[0] * shape[1] * shape[2]);
    this.pen = [shape[2] / 2, shape[1] / 2];
    this.show();
    let down = false;
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      down = true;
      this.pen = this.from(event);
      this.line(this.pen);
    });
    canvas.addEventListener("pointermove", event => { if (down) this.line(this.from(event)); });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => { down = false; });
    canvas.addEventListener("keydown", event => {
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      const by = [arrow[0], -arrow[1]];
      const to = this.pen.map((place, a) => Math.min(Math.max(place + by[a], 0), shape[2 - a]));
      event.shiftKey ? this.line(to) : (this.pen = to);
      this.show();
    });
    for (const change of ["focus", "blur"]) canvas.addEventListener(change, () => this.show());
  }

  from(event) {
    const box = this.canvas.getBoundingClientRect(), [, H, W] = this.shape;
    return [(event.clientX - box.left) / box.width * W, (event.clientY - box.top) / box.height * H];
  }

  /** Draws from the pen's place to another: a pixel is covered by how near it is to the line. */
  line(to) {
    const [C, H, W] = this.shape, [x, y] = this.pen, [dx, dy] = [to[0] - x, to[1] - y];
    const radius = Math.max(0.9, H / 24), ink = this.ink();
    for (let h = 0; h < H; h++) for (let m = 0; m < W; m++) {
      const [u, v] = [m + 0.5 - x, h + 0.5 - y], length = dx * dx + dy * dy;
      const t = length ? Math.min(Math.max((u * dx + v * dy) / length, 0), 1) : 0;
      const cover = Math.min(Math.max(radius + 0.5 - Math.hypot(u - t * dx, v - t * dy), 0), 1);
      for (let c = 0; c < C && cover; c++) {
        const i = (c * H + h) * W + m, before = this.values[i];
        const mixed = Math.round(cover * ink[c] + (1 - cover) * before);
        this.values[i] = C === 1 ? Math.max(mixed, before) : mixed;
      }
    }
    this.pen = to;
    this.show();
    this.onChange();
  }

  set(bytes) {
    this.values = Uint8Array.from(bytes);
    this.show();
  }

  show() {
    const [, H, W] = this.shape, context = this.canvas.getContext("2d");
    [this.canvas.width, this.canvas.height] = [W, H];
    context.putImageData(pixels(this.values, this.shape), 0, 0);
    if (document.activeElement !== this.canvas || !this.canvas.matches(":focus-visible")) return;
    context.fillStyle = "#f40";
    context.fillRect(...this.pen.map(Math.floor), 1, 1);
  }
}
