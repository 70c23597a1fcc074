// The playground: all networks and their numbers are in DATA. Nothing is computed elsewhere, and nothing is fetched.
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
const column = ({ step, data }) => Float64Array.from(new Uint16Array(bytes(data)), (value) => value * step);
const values = Object.fromEntries(Object.entries(DATA.values).map(([name, told]) => [name, column(told)]));
const codes = new Uint32Array(bytes(DATA.codes));
const rowOf = new Map(Array.from(codes, (code, row) => [code, row]));
const place = Object.fromEntries(DATA.choices.map((choice, number) => [choice.name, number]));
const byId = (id) => document.getElementById(id);
const escaped = (text) => String(text).replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const short = (value) => value >= 1e6 ? `${(value / 1e6).toPrecision(3)} M` : value >= 1e3 ? `${(value / 1e3).toPrecision(3)} k` : String(value);
const shown = {
  accuracy: (value) => `${value.toFixed(2)} %`, latency: (value) => `${value.toFixed(3)} ms`, macs: short, params: short,
};
const names = { accuracy: "accuracy", latency: "latency, by the table", macs: "MACs", params: "params" };
const range = (numbers) => numbers.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
const [fastest, slowest] = range(values.latency);

let ranks = DATA.choices.map(() => 0); // of the options of the network that is shown
let budget = (fastest + slowest) / 2;

const option = (number) => DATA.choices[number].options[ranks[number]];
const alive = (number) => {
  const { when } = DATA.choices[number];
  return !when || !(when[0] in place) || (alive(place[when[0]]) && when[1].includes(option(place[when[0]])));
};
const row = () => rowOf.get(DATA.choices.reduce((code, choice, number) => code * choice.options.length + (alive(number) ? ranks[number] : 0), 0));
const ranksOf = (code) => {
  const found = [];
  for (const { options } of [...DATA.choices].reverse()) {
    found.unshift(code % options.length);
    code = Math.floor(code / options.length);
  }
  return found;
};

// The front of all networks: in the order of their latencies, each that is better than all before it.
const front = [];
for (const candidate of [...codes.keys()].sort((a, b) => values.latency[a] - values.latency[b] || values.accuracy[b] - values.accuracy[a]))
  if (!front.length || values.accuracy[candidate] > values.accuracy[front.at(-1)]) front.push(candidate);
const cloud = [...codes.keys()].filter((number) => number % 31 === 7); // some of all, so that the picture stays clear
const best = () => front.filter((number) => values.latency[number] <= budget).at(-1);

// The address names the network, so that it can be kept and sent.
const addressed = () => {
  const found = location.hash.slice(1).split(".").map(Number);
  return found.length === ranks.length && found.every((rank, number) => rank in DATA.choices[number].options) ? found : null;
};

const load = (number) => {
  ranks = ranksOf(codes[number]);
  draw();
};

function drawChoices() {
  const groups = new Map();
  DATA.choices.forEach((choice, number) => {
    const [group, ...rest] = choice.name.split(".");
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push([rest.join(" "), number]);
  });
  const button = (number, rank, text) =>
    `<button data-choice="${number}" data-rank="${rank}" aria-pressed="${ranks[number] === rank}"${alive(number) ? "" : " disabled"}>${escaped(text)}</button>`;
  byId("choices").innerHTML = [...groups].map(([group, lines]) => `<fieldset><legend>${escaped(group)}</legend>${lines.map(([name, number]) =>
    `<div class="line"><span>${escaped(name)}</span>${DATA.choices[number].options.map((text, rank) => button(number, rank, text)).join("")}</div>`).join("")}</fieldset>`).join("");
}

function drawTotals() {
  const here = row();
  byId("totals").innerHTML = Object.entries(values).map(([name, numbers]) => {
    const [low, high] = range(numbers), share = (100 * (numbers[here] - low)) / (high - low);
    return `<div class="explorer-total" data-total="${name}"><div class="label">${names[name]}</div><div class="value">${shown[name](numbers[here])}</div>` +
      `<div class="explorer-track"><span style="left:${share.toFixed(1)}%"></span></div></div>`;
  }).join("");
}

function drawFront() {
  const width = byId("front").clientWidth || 600, height = Math.max(200, Math.min(360, 0.6 * width - 30));
  const [left, right, top, bottom] = [52, width - 12, 10, height - 40];
  const [worst, finest] = range(cloud.concat(front).map((number) => values.accuracy[number]));
  const x = (value) => left + ((value - fastest) / (slowest - fastest)) * (right - left - 8) + 4;
  const y = (value) => bottom - ((value - worst) / (finest - worst)) * (bottom - top - 12) - 4;
  const point = (kind) => (number) => `<circle class="point ${kind}" data-row="${number}" r="4" cx="${x(values.latency[number]).toFixed(1)}" ` +
    `cy="${y(values.accuracy[number]).toFixed(1)}"><title>${shown.accuracy(values.accuracy[number])}, ${shown.latency(values.latency[number])}</title></circle>`;
  const stairs = front.flatMap((number, step) => [
    ...(step ? [`${x(values.latency[number]).toFixed(1)},${y(values.accuracy[front[step - 1]]).toFixed(1)}`] : []),
    `${x(values.latency[number]).toFixed(1)},${y(values.accuracy[number]).toFixed(1)}`]);
  const ticks = (low, high) => [0, 1, 2, 3, 4].map((step) => low + (step / 4) * (high - low));
  const here = row(), [cx, cy] = [x(values.latency[here]), Math.min(bottom, y(values.accuracy[here]))];
  byId("front").innerHTML = `<svg class="explorer-front-picture" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    ticks(worst, finest).map((tick) => `<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${tick.toFixed(1)}</text>`).join("") +
    ticks(fastest, slowest).map((tick) => `<text x="${x(tick)}" y="${bottom + 17}" text-anchor="middle">${tick.toFixed(2)}</text>`).join("") +
    `<text class="label" x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">latency (ms)</text>` +
    `<text class="label" transform="translate(12,${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">accuracy (%)</text>` +
    `<rect class="beyond" x="${x(budget)}" y="${top}" width="${Math.max(0, right - x(budget))}" height="${bottom - top}"/>` +
    `<line class="budget" x1="${x(budget)}" x2="${x(budget)}" y1="${top}" y2="${bottom}"/>` +
    cloud.map(point("")).join("") + `<polyline class="front" points="${stairs.join(" ")}"/>` + front.map(point("on-front")).join("") +
    `<polygon class="current" points="${cx},${cy - 8} ${cx + 8},${cy} ${cx},${cy + 8} ${cx - 8},${cy}"/></svg>`;
  byId("spent").textContent = shown.latency(budget);
}

function drawBlocks() {
  const blocks = DATA.slots.map(({ name, choices, fixed, blocks }) => {
    const picked = choices.map((choice) => (choice in fixed ? fixed[choice] : option(place[choice])));
    return { name, block: blocks[picked.join(",")] };
  });
  const most = Math.max(...blocks.map(({ block }) => (block ? block[1] : 0)));
  byId("blocks").innerHTML = blocks.map(({ name, block }) => block
    ? `<div class="explorer-card" data-block="${name}"><div class="explorer-card-name">${escaped(name)}</div><small>${escaped(block[0])}</small>` +
      `<div class="explorer-card-cost"><span class="explorer-bar latency_ms" style="width:${(100 * block[1]) / most}%"></span><span>${shown.latency(block[1])}</span></div>` +
      `<small>${short(block[2])} MACs, ${short(block[3])} params</small></div>`
    : `<div class="explorer-card empty" data-block="${name}"><div class="explorer-card-name">${escaped(name)}</div><small>left out</small></div>`).join("");
}

// A digit, and what the smallest, the chosen and the largest network read in it. For others off the front, the front's next one answers.
const { digits, races, readers, seeds, share, budget: evaluations } = DATA.played;
const readerRows = readers.map((code) => rowOf.get(code));
let taken = 0;
const [smallest, ...middle] = readers.map((_, reader) => reader), largest = middle.pop(); // those of the front are in the middle
const away = (reader) => Math.abs(values.latency[readerRows[reader]] - values.latency[row()]);
const answering = () => readerRows.includes(row()) ? readerRows.indexOf(row()) : middle.reduce((best, reader) => away(reader) < away(best) ? reader : best);

function drawInk() {
  const paint = byId("digit").getContext("2d"), picture = paint.createImageData(32, 32);
  new Uint8Array(bytes(digits[taken].ink)).forEach((ink, pixel) => picture.data.set([255 - ink, 255 - ink, 255 - ink, 255], 4 * pixel));
  paint.putImageData(picture, 0, 0);
}

function drawAnswers() {
  const { answers, truth } = digits[taken], told = new Uint8Array(bytes(answers));
  const chosen = answering();
  const line = (name, reader) => {
    const shares = Array.from(told.slice(10 * reader, 10 * reader + 10), (value) => value / 255), said = shares.indexOf(Math.max(...shares));
    const bars = shares.map((part, digit) => `<i${digit === said ? ' class="said"' : ""}><u style="height:${(18 * part).toFixed(1)}px"></u>${digit}</i>`).join("");
    return `<div class="explorer-answer ${said === truth ? "right" : "wrong"}" data-network="${name}"><b>${said}</b><span class="name">${name}` +
      `<small>${(100 * shares[said]).toFixed(0)} % · ${values.latency[readerRows[reader]].toFixed(2)} ms</small></span><span class="bars">${bars}</span></div>`;
  };
  const name = readerRows[chosen] === row() ? "chosen" : "next on the front";
  byId("answers").innerHTML = `<div class="explorer-answers">${line("smallest", smallest)}${line(name, chosen)}${line("largest", largest)}</div>`;
}

// A race: curves of searches on the same networks, computed before, drawn as if they ran now.
const curvesOf = (name) => {
  const told = new Uint16Array(bytes(races[name]));
  return Array.from({ length: seeds }, (_, seed) => Array.from(told.slice(seed * evaluations, (seed + 1) * evaluations), (value) => value * share));
};
const medianOf = (curves) => curves[0].map((_, place) => curves.map((curve) => curve[place]).sort((a, b) => a - b)[Math.floor(seeds / 2)]);

function drawRace(names, upTo) {
  const width = byId("track").clientWidth || 320, height = 200, [left, right, top, bottom] = [46, width - 16, 8, height - 36];
  const sides = names.map(curvesOf), low = 0.9 * Math.min(...sides.flat().map((curve) => curve[9]));
  const x = (number) => left + ((number - 1) / (evaluations - 1)) * (right - left), y = (value) => bottom - (Math.max(0, value - low) / (1.005 - low)) * (bottom - top);
  const line = (curve, kind) => `<polyline class="race ${kind}" points="${curve.slice(0, upTo).map((value, place) => `${x(place + 1).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}"/>`;
  const levels = [0, 1, 2, 3, 4].map((step) => low + (step / 4) * (1 - low));
  byId("track").innerHTML = `<svg class="explorer-race-picture" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    levels.map((level) => `<line class="grid" x1="${left}" x2="${right}" y1="${y(level)}" y2="${y(level)}"/><text x="${left - 6}" y="${y(level) + 4}" text-anchor="end">${(100 * level).toFixed(0)} %</text>`).join("") +
    [1, evaluations / 3, (2 * evaluations) / 3, evaluations].map((number) => `<text x="${x(number)}" y="${bottom + 15}" text-anchor="middle">${number}</text>`).join("") +
    `<text class="label" x="${(left + right) / 2}" y="${height - 4}" text-anchor="middle">evaluations</text>` +
    sides.map((curves, side) => curves.map((curve) => line(curve, `side${side}`)).join("") + line(medianOf(curves), `side${side} median`)).join("") + "</svg>";
  const dots = names.map((name, side) => `<span class="explorer-dot side${side}"></span>${escaped(name)}`).join(" ");
  byId("standing").innerHTML = `${dots} · hypervolume, as a share of that of the front of all networks; ${seeds} seeds and their median. ${upTo < evaluations ? "" : verdict(names, sides.map(medianOf))}`;
}

function verdict(names, medians) {
  const ends = medians.map((curve) => curve.at(-1));
  if (ends[0] === ends[1]) return "Both reached the same.";
  const ahead = Number(ends[1] > ends[0]), needed = 1 + medians[ahead].findIndex((value) => value >= ends[1 - ahead]);
  return `<b>${escaped(names[ahead])}</b> needs ${needed} evaluations for what ${escaped(names[1 - ahead])} reaches with ${evaluations}.`;
}

function race() {
  const names = [byId("left").value, byId("right").value], begun = performance.now();
  const step = (now) => {
    const upTo = Math.min(evaluations, 1 + Math.floor((now - begun) / 20)); // ms an evaluation
    drawRace(names, Math.max(1, upTo));
    if (upTo < evaluations && names[0] === byId("left").value && names[1] === byId("right").value) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function draw() {
  history.replaceState(null, "", `#${ranks.join(".")}`);
  drawChoices();
  drawTotals();
  drawFront();
  drawAnswers();
  drawBlocks();
}

byId("choices").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  ranks[button.dataset.choice] = Number(button.dataset.rank);
  draw();
  document.querySelector(`button[data-choice="${button.dataset.choice}"][data-rank="${button.dataset.rank}"]`).focus();
});
byId("front").addEventListener("click", ({ target }) => {
  if (target.dataset.row) load(Number(target.dataset.row));
});
byId("budget").addEventListener("input", ({ target }) => {
  budget = fastest + (target.value / 200) * (slowest - fastest);
  if (best() === undefined) drawFront(); else load(best());
});
byId("about").innerHTML = `${codes.length.toLocaleString("en")} networks, all measured: accuracy on 2,000 images of digits, latency of ${escaped(DATA.machine)}. ` +
  "Blue: the front, no other network is both faster and more accurate. Grey: some of the others. Click a point to load it; move the budget, and the best network within it is loaded.";
byId("take").addEventListener("click", () => {
  taken = (taken + 1) % digits.length;
  drawInk();
  drawAnswers();
});
for (const [id, name] of [["left", 0], ["right", 2]]) {
  byId(id).innerHTML = Object.keys(races).map((text, number) => `<option${number === name ? " selected" : ""}>${escaped(text)}</option>`).join("");
}
byId("race").addEventListener("click", race);
addEventListener("resize", drawFront);
drawInk();
if (addressed()) {
  ranks = addressed();
  draw();
} else load(best());
addEventListener("hashchange", () => {
  ranks = addressed() ?? ranks;
  draw();
});
