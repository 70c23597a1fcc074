// A square to draw on: pixels of ink in 0..255, which the kernel gets while they are drawn, and which it can set.
const REACH = 2.6, SHARP = 0.55; // of the brush: its reach in pixels, and how fast ink fades towards its rim

function render({ model, el }) {
  const size = model.get("size");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  canvas.className = "explorer-sketch-canvas";
  canvas.setAttribute("aria-label", "Draw a digit here");
  const paint = canvas.getContext("2d");
  let ink = new Uint8Array(size * size), last = null, waiting = false;
  const show = () => {
    const picture = paint.createImageData(size, size);
    ink.forEach((value, place) => picture.data.set([255 - value, 255 - value, 255 - value, 255], 4 * place));
    paint.putImageData(picture, 0, 0);
  };
  const send = () => {
    waiting = false;
    model.set("ink", new DataView(ink.slice().buffer));
    model.set("drawn", true);
    model.save_changes();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * size, ((event.clientY - box.top) / box.height) * size];
  };
  const stamp = ([x, y]) => {
    for (let row = Math.max(0, Math.floor(y - REACH)); row < Math.min(size, y + REACH); row++)
      for (let column = Math.max(0, Math.floor(x - REACH)); column < Math.min(size, x + REACH); column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const value = 255 * Math.min(1, Math.max(0, (REACH - distance) * SHARP));
        ink[row * size + column] = Math.max(ink[row * size + column], value);
      }
  };
  const draw = (event) => {
    if (!last) return;
    const next = place(event), steps = Math.ceil(Math.hypot(next[0] - last[0], next[1] - last[1])) || 1;
    for (let step = 1; step <= steps; step++)
      stamp([0, 1].map((axis) => last[axis] + ((next[axis] - last[axis]) * step) / steps));
    last = next;
    show();
    if (!waiting) requestAnimationFrame(send);
    waiting = true;
  };
  const begin = (event) => {
    if (!model.get("drawn")) ink.fill(0); // over an image that was taken, one begins anew
    last = place(event);
    canvas.setPointerCapture(event.pointerId);
    draw(event);
  };
  const follow = () => {
    if (last) return;
    const told = model.get("ink");
    ink = new Uint8Array(told.buffer.slice(told.byteOffset, told.byteOffset + told.byteLength));
    show();
  };
  canvas.addEventListener("pointerdown", begin);
  canvas.addEventListener("pointermove", draw);
  canvas.addEventListener("pointerup", () => { last = null; });
  canvas.addEventListener("pointercancel", () => { last = null; });
  model.on("change:ink", follow);
  follow();
  el.append(canvas);
  return () => model.off("change:ink", follow);
}
export default { render };
