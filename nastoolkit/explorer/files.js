// Links that save files whose bytes the kernel holds; nothing passes through a server's folder.
function render({ model, el }) {
  let links = [];
  const draw = () => {
    links.forEach((link) => URL.revokeObjectURL(link.href));
    links = Object.entries(model.get("files")).map(([name, content]) => {
      const link = document.createElement("a");
      const size = content.byteLength;
      link.href = URL.createObjectURL(new Blob([content]));
      link.download = name;
      link.textContent = `${name} (${size < 1e6 ? (size / 1e3).toFixed(1) + " kB" : (size / 1e6).toFixed(1) + " MB"})`;
      return link;
    });
    el.replaceChildren(...links);
  };
  model.on("change:files", draw);
  draw();
  return () => links.forEach((link) => URL.revokeObjectURL(link.href));
}
export default { render };
