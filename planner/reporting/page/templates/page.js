"use strict";
(function () {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specs = read("specs");
  const look = read("look");
  const narrow = window.matchMedia("(max-width: 560px)");

  function config() {
    if (!narrow.matches) return look;
    return { ...look, axis: { ...look.axis, labelLimit: 108, labelFontSize: 11 }, legend: { ...look.legend, columns: 2, labelLimit: 130, labelFontSize: 11 } };
  }

  // Nothing is ever fetched: a chart that asks for a file is refused.
  const refuse = { load: () => Promise.reject(new Error("this page loads nothing")), sanitize: () => Promise.reject(new Error("this page links nowhere")) };
  const options = () => ({ renderer: "svg", config: config(), loader: refuse, actions: { export: true, source: false, compiled: false, editor: false }, downloadFileName: "chart", tooltip: { theme: "custom" } });

  function fitted(spec) {
    if (!narrow.matches || !(spec.params || []).some((param) => param.name === "narrow")) return spec;
    const height = (spec.usermeta || {}).narrowHeight || Math.round(0.55 * window.innerWidth);
    return { ...spec, height, params: spec.params.map((param) => (param.name === "narrow" ? { ...param, value: true } : param)) };
  }

  async function draw() {
    for (const place of document.querySelectorAll(".chart")) {
      try {
        if (place.drawn) place.drawn.finalize();
        place.drawn = await vegaEmbed(place, fitted(specs[place.dataset.spec]), { ...options(), downloadFileName: place.dataset.spec });
      } catch (fault) {
        place.textContent = "This chart could not be drawn: " + fault.message;
        console.error(fault);
      }
    }
    document.documentElement.dataset.drawn = "yes";
  }

  function sortable(block) {
    const body = block.querySelector("tbody");
    const heads = [...block.querySelectorAll("th")];
    const key = (row, at) => {
      const cell = row.cells[at];
      return cell.dataset.order === undefined ? cell.textContent : Number(cell.dataset.order.replace("inf", "Infinity"));
    };
    heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const now = head.getAttribute("aria-sort");
      const down = now === null ? numeric : now === "ascending";
      const rows = [...body.rows].map((row) => [key(row, at), row]);
      const order = numeric ? (a, b) => a[0] - b[0] || 0 : (a, b) => a[0].localeCompare(b[0], undefined, { numeric: true });
      rows.sort((a, b) => (down ? order(b, a) : order(a, b)));
      body.append(...rows.map((pair) => pair[1]));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }));
    const field = block.querySelector("input");
    if (!field) return;
    const said = block.querySelector("output");
    field.addEventListener("input", () => {
      const wanted = field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of body.rows) {
        const text = row.textContent.toLocaleLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
        left += row.hidden ? 0 : 1;
      }
      const all = body.rows.length.toLocaleString("en");
      said.textContent = wanted.length ? left.toLocaleString("en") + " of " + all + " rows" : all + " rows";
    });
  }

  document.querySelectorAll(".table").forEach(sortable);
  narrow.addEventListener("change", draw);
  draw();
})();
