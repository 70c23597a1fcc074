// A picture is HTML that the kernel makes. It tells the kernel its width, what was clicked in it, and where its line was dragged.
const PATIENCE = 100; // ms until a line that is dragged tells where it is, if the kernel has not drawn its last place yet

function render({ model, el }) {
  const picture = document.createElement("div");
  let dragging = false, told = -Infinity;
  el.append(picture);
  const draw = () => {
    picture.innerHTML = model.get("html");
    told = -Infinity;
    mark();
  };
  const mark = () => {
    const place = picture.querySelector(".marks");
    if (place && model.get("marks")) place.innerHTML = model.get("marks");
  };
  const click = (event) => {
    const point = event.target.closest("[data-genes]");
    if (point) model.send({ genes: point.dataset.genes.split(",").map(Number) });
  };
  const grasp = (event) => {
    dragging = Boolean(event.target.closest(".handle"));
    if (dragging) picture.setPointerCapture(event.pointerId);
  };
  const drag = (event) => {
    if (!dragging || event.timeStamp - told < PATIENCE) return;
    const box = picture.getBoundingClientRect();
    told = event.timeStamp;
    model.send({ across: (event.clientX - box.left) / box.width });
  };
  const release = () => { dragging = false; };
  const fit = () => {
    const width = Math.round(el.clientWidth);
    if (width > 0 && width !== model.get("width")) {
      model.set("width", width);
      model.save_changes();
    }
  };
  const observer = new ResizeObserver(fit);
  model.on("change:html", draw);
  model.on("change:marks", mark);
  picture.addEventListener("click", click);
  picture.addEventListener("pointerdown", grasp);
  picture.addEventListener("pointermove", drag);
  picture.addEventListener("pointerup", release);
  observer.observe(el);
  draw();
  return () => {
    observer.disconnect();
    model.off("change:html", draw);
    model.off("change:marks", mark);
  };
}
export default { render };
