// Shows numbers where the pointer or the arrow keys are, ties epochs together, sorts tables, offers downloads.
(() => {
  "use strict";
  const all = JSON.parse(document.getElementById("numbers").textContent);
  const find = (selector, at = document) => at.querySelector(selector);
  const each = (selector, work, at = document) => [...at.querySelectorAll(selector)].forEach(work);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const set = (element, attributes) => Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  const last = {};

  const shown = value => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size === 0) return "0";
    const decimals = clamp(3 - Math.floor(Math.log10(size)), 0, 7);
    const text = size >= 1e-4 && size < 1e7 ? String(Number(value.toFixed(decimals))) : value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
    return text.replace(/-/g, "−");
  };
  const between = ends => (ends && ends[0] !== null && ends[1] !== null ? ` (${shown(ends[0])} to ${shown(ends[1])})` : "");

  // What the arrow keys do in a figure: `move` is told steps to the right and upward.
  const keyboard = (svg, count, move, go, leave) => {
    set(svg, { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": Math.max(0, count - 1), "aria-valuenow": Math.max(0, count - 1) });
    svg.addEventListener("keydown", event => {
      const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], Home: [-1e9, 0], End: [1e9, 0] }[event.key];
      if (event.key === "Escape") return leave();
      if (!steps) return;
      event.preventDefault();
      move(...steps);
    });
    svg.addEventListener("focus", () => svg.matches(":focus-visible") && go());
    svg.addEventListener("blur", leave);
    svg.addEventListener("pointerleave", leave);
  };
  const point = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const pointer = (svg, work) => ["pointermove", "pointerdown"].forEach(kind => svg.addEventListener(kind, event => work(...point(svg, event), kind)));

  const chart = svg => {
    const name = svg.dataset.figure, data = all[name], frame = data.frame;
    const cursor = find(".cursor", svg), marks = [...cursor.children].slice(1).map(mark => mark.firstElementChild);
    const values = [...document.querySelectorAll(`[data-legend="${name}"] .value`)], place = find(`[data-legend="${name}"] .place`), line = find(`[data-values="${name}"]`);
    const right = value => frame.l + ((value - frame.x[0]) / (frame.x[1] - frame.x[0])) * (frame.r - frame.l);
    const up = value => frame.b - ((value - frame.y[0]) / (frame.y[1] - frame.y[0])) * (frame.b - frame.t);
    const said = (curve, at) => shown(curve.values[at]) + between(curve.ends && curve.ends[at]);
    const label = at => (data.names.length ? data.names[at] : `${data.right}: ${shown(data.places[at])}`);
    const self = { data, chosen: null, at: data.places.length - 1, choose: () => {} };
    const draw = at => {
      svg.classList.add("on");
      set(cursor.firstElementChild, { transform: `translate(${right(data.places[at])} 0)` });
      data.curves.forEach((curve, which) => {
        const value = curve.values[at], known = value !== null && value !== undefined;
        set(marks[which], { transform: `translate(${right(data.places[at])} ${known ? up(value) : 0})`, visibility: known ? "inherit" : "hidden" });
        if (values[which]) values[which].textContent = said(curve, at);
      });
      if (place) place.textContent = label(at);
      const words = [label(at), ...data.curves.map(curve => `${curve.label} ${said(curve, at)}`)].join("; ");
      if (line) line.textContent = words;
      set(svg, { "aria-valuenow": at, "aria-valuetext": words });
    };
    const go = at => draw((self.at = clamp(at, 0, data.places.length - 1)));
    const leave = () => {
      if (self.chosen !== null) return go(self.chosen);
      svg.classList.remove("on");
      values.forEach(value => (value.textContent = ""));
      [place, line].forEach(text => text && (text.textContent = ""));
    };
    self.stay = at => { self.chosen = at; go(at); };
    self.redraw = () => data.curves.forEach((curve, which) => {
      const drawn = svg.querySelectorAll(".curve")[which], places = data.places.map(right);
      const path = (list, pick) => list.map((at, index) => `${index ? "L" : "M"}${places[at].toFixed(1)} ${up(pick(at)).toFixed(1)}`).join("");
      const order = places.map((_, at) => at);
      set(find(".line", drawn), { d: path(order, at => curve.values[at]) });
      if (curve.ends) set(find(".band", drawn), { d: path(order, at => curve.ends[at][1]) + path([...order].reverse(), at => curve.ends[at][0]).replace("M", "L") + "Z" });
      each(".marks path", (mark, at) => set(mark, { transform: `translate(${places[at]} ${up(curve.values[at])})` }), drawn);
    });
    const near = x => data.places.reduce((best, value, at) => (Math.abs(right(value) - x) < Math.abs(right(data.places[best]) - x) ? at : best), 0);
    if (data.places.length) {
      keyboard(svg, data.places.length, (across, upward) => { go(self.at + across + upward); self.choose(self.at); }, () => go(self.at), leave);
      pointer(svg, (x, y, kind) => { go(near(x)); if (kind === "pointerdown") self.choose(self.at); });
    }
    last[name] = self;
    return self;
  };

  // `grid`: rows and columns by name, words of a cell, and whether the first row is below.
  const map = (svg, grid, choose) => {
    const frame = JSON.parse(svg.dataset.frame), cell = find(".cell", svg), reading = find(`[data-reading="${svg.dataset.figure}"]`);
    const rows = grid.rows.length, columns = grid.columns.length, width = (frame.r - frame.l) / columns, height = (frame.b - frame.t) / rows;
    const before = reading.textContent;
    let at = [rows - 1, 0];
    const go = (row, column) => {
      at = [clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)];
      const down = grid.upward ? rows - 1 - at[0] : at[0], words = grid.words(...at);
      svg.classList.add("on");
      set(cell, { transform: `translate(${frame.l + at[1] * width} ${frame.t + down * height})` });
      reading.textContent = words;
      set(svg, { "aria-valuenow": at[0] * columns + at[1], "aria-valuetext": words });
    };
    const leave = () => { svg.classList.remove("on"); reading.textContent = grid.rest ? grid.rest() : before; };
    keyboard(svg, rows * columns, (across, upward) => { go(at[0] + (grid.upward ? upward : -upward), at[1] + across); choose(at[0]); }, () => go(...at), leave);
    pointer(svg, (x, y, kind) => {
      const column = Math.floor((x - frame.l) / width), down = Math.floor((y - frame.t) / height);
      if (column < 0 || column >= columns || down < 0 || down >= rows) return leave();
      go(grid.upward ? rows - 1 - down : down, column);
      if (kind === "pointerdown") choose(at[0]);
    });
  };

  each("svg.chart", chart);
  each("svg.map[data-map]", svg => {
    const data = all[svg.dataset.figure], own = data.maps[svg.dataset.map], columns = data.columns.names;
    const words = (row, column) => {
      const place = row * columns.length + column;
      return `${own.title ? own.title + ", " : ""}${data.rows.label} ${data.rows.names[row]}, ${data.columns.label} ${columns[column]}: ${shown(own.values[place])}${between(own.ends && own.ends[place])}`;
    };
    map(svg, { rows: data.rows.names, columns, words }, () => {});
  });

  each("[data-explorer]", box => {
    const name = box.dataset.explorer, data = all[name], input = find("input", box), output = find("output", box);
    const svg = find("svg.map", box), frame = JSON.parse(svg.dataset.frame), reading = find(`[data-reading="${name}"]`, box);
    const profile = last[find("svg.chart", box).dataset.figure], accuracy = last[[...box.querySelectorAll("svg.chart")].pop().dataset.figure];
    const count = data.epochs.length, height = (frame.b - frame.t) / count;
    let chosen = count - 1;
    const go = at => {
      chosen = at;
      if (input) { input.value = at; output.textContent = data.epochs[at]; input.setAttribute("aria-valuetext", data.readings[at]); }
      reading.textContent = data.readings[at];
      set(find(".row", svg), { y: frame.t + (count - 1 - at) * height });
      const curve = profile.data.curves[0];
      curve.values = data.mean[at];
      curve.ends = data.mean[at].map((mean, band) => [mean - data.std[at][band], mean + data.std[at][band]]);
      profile.redraw();
      accuracy.stay(at);
    };
    accuracy.choose = go;
    const words = (row, column) => `Epoch ${data.epochs[row]}, ρ = ${data.radii[column]}: ${shown(data.mean[row][column])} ± ${shown(data.std[row][column])}`;
    map(svg, { rows: data.epochs, columns: data.radii, words, upward: true, rest: () => data.readings[chosen] }, go);
    if (input) input.addEventListener("input", () => go(Number(input.value)));
    each(".control", control => (control.hidden = false), box);
    go(chosen);
  });

  // Tables as comma-separated values (RFC 4180); numbers with all digits.
  const field = value => (value === null || value === undefined ? "" : /[",\n]/.test(value) ? `"${String(value).replace(/"/g, '""')}"` : String(value));
  const csv = rows => rows.map(row => row.map(field).join(",")).join("\r\n") + "\r\n";
  const kinds = {
    chart: data => [["curve", data.right, data.up, "low", "high"], ...data.curves.flatMap(curve => data.places.map((place, at) => [curve.label, data.names[at] ?? place, curve.values[at], ...((curve.ends && curve.ends[at]) || [null, null])]))],
    maps: data => [["map", data.rows.label, data.columns.label, data.quantity, "low", "high"], ...data.maps.flatMap(own => own.values.map((value, at) => {
      const columns = data.columns.names;
      return [own.title, data.rows.names[Math.floor(at / columns.length)], columns[at % columns.length], value, ...((own.ends && own.ends[at]) || [null, null])];
    }))],
    explorer: data => [["epoch", "radius", "mean", "std", "accuracy"], ...data.epochs.flatMap((epoch, at) => data.radii.map((radius, band) => [epoch, radius, data.mean[at][band], data.std[at][band], data.accuracy[at]]))],
  };
  const cells = row => [...row.cells].map(cell => cell.dataset.v ?? cell.textContent.trim());
  each("button.download", button => {
    const { of, table } = button.dataset;
    button.hidden = false;
    button.addEventListener("click", () => {
      const rows = table ? [...document.getElementById(table).rows].map(cells) : kinds[all[of].kind](all[of]);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" }));
      link.download = `${of ?? table}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  });

  each("table.sortable", table => each("thead th", (head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      each("thead th", other => other.removeAttribute("aria-sort"), table);
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => row.cells[column].dataset.v;
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined) || (down ? -1 : 1) * a.cells[column].textContent.localeCompare(b.cells[column].textContent);
        return (down ? -1 : 1) * (x - y);
      };
      const body = table.tBodies[0];
      [...body.rows].sort(order).forEach(row => body.append(row));
    });
  }, table));
})();
