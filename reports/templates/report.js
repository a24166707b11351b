"use strict";
{
  const tools = document.getElementById("tools");
  const filter = document.getElementById("filter");
  const only = document.getElementById("only");
  const shown = document.getElementById("shown");
  const rows = [...document.querySelectorAll("table.matrix tbody tr")];
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, `${row.id} ${row.textContent}`.toLowerCase());
    return texts.get(row);
  };

  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const show = (!only || !only.checked || row.classList.contains("differs")) && words.every((word) => text(row).includes(word));
      row.hidden = !show;
      count += show;
    }
    for (const suite of document.querySelectorAll(".suite")) {
      suite.hidden = !suite.querySelector("tbody tr:not([hidden])");
    }
    shown.value = count === rows.length ? "" : `${count} of ${rows.length} scenarios`;
  };

  // What is linked to is shown, whatever the filter says, and opened.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const row = target.closest("table.matrix tr");
    if (row && row.hidden) {
      filter.value = "";
      if (only) only.checked = false;
      apply();
    }
    for (const details of target.querySelectorAll(":scope > details")) details.open = true;
    target.scrollIntoView({ block: "center" });
  };

  if (rows.length > 1) {
    tools.hidden = false;
    filter.addEventListener("input", apply);
    if (only) only.addEventListener("change", apply);
    tools.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        event.preventDefault();
        filter.focus();
      }
    });
  }
  addEventListener("hashchange", reveal);
  reveal();

  // A cell that is opened can be linked to from the address bar.
  document.addEventListener("toggle", (event) => {
    const cell = event.target.parentElement;
    if (event.target.open && cell && cell.tagName === "TD" && cell.id) history.replaceState(null, "", `#${cell.id}`);
  }, true);

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.failure:not([open]), details.failure details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}
