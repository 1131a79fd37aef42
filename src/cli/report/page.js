// What if a threshold stood elsewhere? All figures are in the element "facts"; texts are only ever set as text.
"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const number = new Intl.NumberFormat("en");
  const LEFT = 10, RIGHT = 710; // of the histograms
  const element = (name, text, of = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(of)) made.setAttribute(key, value);
    return made;
  };
  const percent = (part, whole) => (whole ? (part / whole * 100).toFixed(part / whole < 0.0995 ? 2 : 1) + " %" : "–");
  const signed = n => (n > 0 ? "+" : n < 0 ? "−" : "±") + number.format(Math.abs(n));

  // Documents and characters of a source that are kept with the threshold at an edge; where it is now, without one.
  const kept = (rule, source, edge) => ["documents", "characters"].map((what, n) => {
    const all = source[what].reduce((sum, more) => sum + more, 0);
    if (edge === null) return source.kept[n] + all - source.now[n];
    return source[what].reduce((sum, more, cell) => sum + ((cell <= edge) !== (rule.fails === "min") ? more : 0), source.kept[n]);
  });
  const read = source => ["documents", "characters"].map((what, n) =>
    source.kept[n] + source.lost[n] + source[what].reduce((sum, more) => sum + more, 0));

  const build = (place, rule, n) => {
    const label = element("label", "What if it were ", { for: "range-" + n });
    const value = element("output", "", { for: "range-" + n, id: "value-" + n });
    label.append(value);
    const range = element("input", undefined, {
      id: "range-" + n, type: "range", min: 0, max: rule.edges.length - 1, step: 1, value: rule.at[0] ?? 0,
      "aria-describedby": "outcome-" + n,
    });
    const outcome = element("p", "", { id: "outcome-" + n, class: "outcome", "aria-live": "polite" });
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const [name, of] of [["source", {}], ["kept", { class: "n" }], ["would be kept", { class: "n" }], ["documents", { class: "n" }], ["characters", { class: "n" }]])
      head.append(element("th", name, { scope: "col", ...of }));
    const rows = table.createTBody();
    const told = rule.sources.map(source => {
      const row = rows.insertRow();
      row.append(element("th", facts.sources[source.source], { scope: "row" }));
      return [source, row, Array.from({ length: 4 }, () => { const cell = element("td", "", { class: "n" }); row.append(cell); return cell; })];
    });
    const frame = element("div", undefined, { class: "scroll", role: "region", tabindex: 0, "aria-label": "What " + rule.rule + " would keep, by source" });
    frame.append(table);
    const details = element("details");
    details.append(element("summary", "By source"), frame);
    const command = element("p", "", { class: "note" });
    const back = element("button", "Back to the plan", { type: "button" });
    const line = document.getElementById("moved-" + n);
    const controls = element("div", undefined, { class: "controls" });
    controls.append(label, range, back);
    place.append(controls, outcome, details, command);
    place.hidden = false;

    const show = edge => {
      const at = edge === null ? rule.at[0] ?? 0 : edge;
      const sums = { before: [0, 0], after: [0, 0], read: [0, 0] };
      for (const [source, row, cells] of told) {
        const [before, after, all] = [kept(rule, source, null), kept(rule, source, edge), read(source)];
        for (const k of [0, 1]) { sums.before[k] += before[k]; sums.after[k] += after[k]; sums.read[k] += all[k]; }
        cells[0].textContent = percent(before[1], all[1]);
        cells[1].textContent = percent(after[1], all[1]);
        cells[2].textContent = signed(after[0] - before[0]);
        cells[3].textContent = signed(after[1] - before[1]);
        row.classList.toggle("changed", after[0] !== before[0]);
      }
      const several = edge === null && rule.at.length > 1;
      value.textContent = several ? "as in the plan" : rule.asked + " " + rule.edges[at];
      range.value = at;
      range.setAttribute("aria-valuetext", value.textContent);
      const change = sums.after[0] - sums.before[0];
      outcome.textContent = number.format(sums.after[0]) + " documents would be kept, " + percent(sums.after[1], sums.read[1]) + " of the characters" +
        (change === 0 ? ": as now." : ": " + signed(change) + " documents, " + signed(sums.after[1] - sums.before[1]) + " characters.");
      const elsewhere = edge !== null && !(rule.at.length === 1 && rule.at[0] === edge);
      command.textContent = "";
      if (elsewhere && rule.settable && rule.pattern === "*") {
        command.append("Do it: ", element("code", "seimai run plan.toml --out OUT --set quality.thresholds." + rule.rule + "=" + rule.edges[at]));
      } else if (elsewhere && rule.settable) {
        command.append("Do it: set ", element("code", rule.rule + " = " + rule.edges[at]), " in the [[quality.rule]] of these sources.");
      }
      back.hidden = !elsewhere;
      place.classList.toggle("moved", elsewhere); // What was not moved is not printed.
      const x = LEFT + (RIGHT - LEFT) * (at + 1) / (rule.edges.length + 1);
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
      line.setAttribute("visibility", elsewhere ? "visible" : "hidden");
    };
    range.addEventListener("input", () => show(Number(range.value)));
    back.addEventListener("click", () => { show(null); range.focus(); });
    show(null);
  };
  for (const place of document.querySelectorAll(".whatif")) {
    const n = Number(place.dataset.rule);
    if (facts.rules[n].edges.length > 1) build(place, facts.rules[n], n);
  }
})();
