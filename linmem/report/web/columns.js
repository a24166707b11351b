// Which runtimes are shown as columns, in which order and under which heads: the reader's choice, which the address keeps.
const GROUPINGS = [["", "in the order of the run"], ["engine", "by engine"], ["api", "by host API"]];
const columnChoice = (() => {
  const place = $("columns");
  const hidden = new Set();
  const listeners = [];
  let grouping = "";
  const groupOf = (column) => (grouping === "api" ? column.api : column.engine);
  // Groups in the order of their first column; each with its columns.
  const groups = (some) => {
    const found = new Map();
    for (const column of some) found.set(groupOf(column), [...(found.get(groupOf(column)) || []), column]);
    return [...found];
  };
  const arranged = () => (grouping ? groups(COLUMNS).flatMap(([, some]) => some) : COLUMNS);
  const shown = () => arranged().filter((column) => !hidden.has(column));

  const box = (column) => make("label", null, make("input", {
    type: "checkbox", value: column.address, checked: !hidden.has(column), onchange: (event) => set([column], event.target.checked),
  }), ` ${column.label}`);
  const draw = () => {
    if (!place) return;
    const all = make("button", { type: "button", onclick: () => set(COLUMNS, true) }, "Show all");
    place.querySelector("summary").textContent = hidden.size ? `Columns: ${COLUMNS.length - hidden.size} of ${COLUMNS.length}` : "Columns";
    fill(place.querySelector(".choices"),
      make("label", null, "Group ", make("select", { id: "grouping", onchange: (event) => { grouping = event.target.value; changed(); } },
        GROUPINGS.map(([name, label]) => make("option", { value: name, selected: name === grouping }, label)))), " ", all,
      groups(COLUMNS).map(([name, some]) => make("fieldset", null, make("legend", null, name, " ",
        make("button", { type: "button", "aria-label": `Only ${name}`, onclick: () => { hidden.clear(); set(COLUMNS.filter((column) => !some.includes(column)), false); } }, "only")), make("div", null, some.map(box)))));
  };
  const changed = () => {
    const focused = place && place.contains(document.activeElement) ? [...place.querySelectorAll("input, select, button")].indexOf(document.activeElement) : -1;
    draw();
    if (focused >= 0) place.querySelectorAll("input, select, button")[focused]?.focus();
    for (const listener of listeners) listener();
  };
  // Show or hide some; the last one stays.
  const set = (some, visible) => {
    for (const column of some) {
      if (visible) hidden.delete(column);
      else if (hidden.size < COLUMNS.length - 1) hidden.add(column);
    }
    changed();
  };
  draw();
  if (place) document.addEventListener("click", (event) => { if (event.target.isConnected && !place.contains(event.target)) place.open = false; });
  return {
    // Close the list of columns; whether it was open.
    close() {
      if (!place || !place.open) return false;
      place.open = false;
      place.querySelector("summary").focus();
      return true;
    },
    shown,
    // What stands above the columns: [name, how many], or nothing.
    heads: () => (grouping ? groups(shown()).map(([name, some]) => [name, some.length]) : []),
    complete: () => !hidden.size,
    whenChanged(listener) { listeners.push(listener); },
    reveal(column) { if (hidden.has(column)) set([column], true); },
    // As parts of an address, and back.
    told: () => [["group", grouping], ["columns", hidden.size ? shown().map(({ address }) => address).join(",") : ""]].filter(([, value]) => value),
    choose(asked) {
      const named = (asked.get("columns") || "").split(",");
      const wanted = COLUMNS.filter(({ address }) => named.includes(address));
      grouping = GROUPINGS.some(([name]) => name === asked.get("group")) ? asked.get("group") : "";
      hidden.clear();
      if (wanted.length) for (const column of COLUMNS) if (!wanted.includes(column)) hidden.add(column);
      changed();
    },
  };
})();
