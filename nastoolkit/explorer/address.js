// The page's address names the network, so that it can be kept and sent. JupyterLab's address is not ours: there it does nothing.
const PATIENCE = 300; // ms between two changes of the address, which browsers limit

function render({ model, el }) {
  if (!document.body.dataset.voila) return;
  const link = document.createElement("a");
  const said = document.createElement("span");
  let waiting = 0;
  const write = () => {
    waiting = 0;
    link.href = `#${model.get("state")}`;
    history.replaceState(history.state, "", link.href);
  };
  const follow = () => {
    said.textContent = model.get("problem");
    waiting = waiting || setTimeout(write, PATIENCE);
  };
  const read = () => {
    if (location.hash.length > 1) model.send({ state: location.hash.slice(1) });
  };
  link.textContent = "Link to this network";
  link.addEventListener("click", (event) => {
    event.preventDefault();
    write();
    navigator.clipboard?.writeText(location.href).then(() => { said.textContent = " copied"; }, () => { said.textContent = " is the page's address"; });
  });
  model.on("change:state", follow);
  model.on("change:problem", follow);
  addEventListener("hashchange", read);
  el.append(link, said);
  read();
  if (location.hash.length <= 1) write();
  return () => {
    clearTimeout(waiting);
    removeEventListener("hashchange", read);
    model.off("change:state", follow);
    model.off("change:problem", follow);
  };
}
export default { render };
