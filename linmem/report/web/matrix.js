// The table of suites unfolds into scenarios. Rows are drawn when they come near the window; until then a spacer holds
// their place, so nothing jumps.
const matrix = (() => {
  const table = $("matrix");
  const CHUNK = 40;
  const unfolded = new Set();
  const chunks = new Map(); // a tbody: its suite and rows, and whether they are drawn
  let words = [];
  let show = "";
  let shown = COLUMNS;

  const texts = cached((row) => [row.suite.title, row.suite.path, row.address, row.title,
    ...row.cells.flatMap((cell, number) => (cell ? [COLUMNS[number].label, ...cell.statuses].join(" ") : [])),
    ...row.observations.flatMap((item) => [item.question, ...item.answers.flatMap((answer) => (answer ? answer.given.map((one) => one.answer) : []))]),
  ].join(" ").toLowerCase());
  const wanted = (row) => {
    const some = (is) => shown.some(({ number }) => row.cells[number] && is(row.cells[number]));
    if (show === "differ" && !differing(row).length) return false;
    if (show === "unexpected" && !some((cell) => cell.unexpected)) return false;
    if ((show === "known" || show === "unsupported") && !some((cell) => cell.statuses.has(show))) return false;
    return words.every((word) => texts(row).includes(word));
  };

  const cellOf = (row, number) => {
    const cell = row.cells[number];
    if (!cell) return make("td.none", null, make("span", { "aria-hidden": "true" }, "·"), make("span.hidden", null, "not asked"));
    const label = cell.several ? `${cell.label}, ${cell.count} results` : cell.label;
    const anchor = make(`a.cell.s-${cell.worst.key}`, {
      href: `#${row.address}/${COLUMNS[number].address}`, tabindex: "-1", title: `${COLUMNS[number].label}: ${label}`,
    }, mark(cell.worst), make("span.word", null, ` ${cell.label}`), cell.several ? make("small", { "aria-hidden": "true" }, String(cell.count)) : null);
    const answer = differing(row).length ? answerOf(row, number) : null;
    return make(`td.s-${cell.worst.key}`, null, answer ? [anchor, make("span.said", null, answer)] : anchor);
  };
  // The questions on which answers of shown columns differ, and what a runtime answered to the first of them.
  const unlike = (item) => shown.some((one, at) => shown.slice(at + 1).some((other) => D.likenesses[item.pairs[pairAt(one.number, other.number)]] === "differs"));
  let differing = null;
  const compare = () => { differing = cached((row) => row.observations.filter((item) => item.agreement === "differs" && (columnChoice.complete() || unlike(item)))); };
  compare();
  const answerOf = (row, number) => {
    const told = differing(row)[0].answers[number];
    return told && told.given.length ? [...new Set(told.given.map(({ answer }) => answer || "nothing"))].join(" / ") : "no answer";
  };
  const reasonOf = (row) => {
    const [first, ...others] = differing(row);
    return make("span.reason", null, make("span.unlike", null, make("span", { "aria-hidden": "true" }, "≠ "), make("span.hidden", null, "different answers: ")),
      first.question, others.length ? ` and ${plural(others.length, "more question")}` : null);
  };
  const rowOf = (row) => make(differing(row).length ? "tr.tall" : "tr", { "data-row": row.address }, make("th", { scope: "row" },
    make("a.row", { href: `#${row.address}`, title: row.title, tabindex: "-1" },
      row.title), differing(row).length ? reasonOf(row) : null),
    shown.map(({ number }) => cellOf(row, number)));

  const draw = (body) => {
    const chunk = chunks.get(body);
    if (!chunk || chunk.drawn) return;
    chunk.drawn = true;
    body.replaceChildren(...chunk.rows.map(rowOf));
    watcher.unobserve(body);
    if (!table.querySelector("a.row[tabindex='0']")) {
      const first = body.querySelector("a.row");
      if (first) first.tabIndex = 0;
    }
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, { rootMargin: "1200px 0px" });

  const clear = (suite) => {
    for (const [body, chunk] of chunks) {
      if (chunk.suite !== suite) continue;
      watcher.unobserve(body);
      body.remove();
      chunks.delete(body);
    }
  };
  // Show of a suite what is wanted of it now.
  const update = (suite) => {
    const body = $(`suite-${suite.number}`);
    const rows = suite.rows.filter(wanted);
    const filtered = words.length > 0 || show !== "";
    const wide = unfolded.has(suite);
    suite.button.setAttribute("aria-expanded", String(wide));
    body.hidden = filtered && !rows.length;
    clear(suite);
    let after = body;
    if (wide) {
      for (let at = 0; at < rows.length; at += CHUNK) {
        const part = rows.slice(at, at + CHUNK);
        const spacer = make("td.spacer", { colspan: shown.length + 1 });
        spacer.style.height = `calc(var(--row) * ${part.length} + var(--reason) * ${part.filter((row) => differing(row).length).length})`;
        const chunk = make("tbody.scenarios", null, make("tr", null, spacer));
        chunks.set(chunk, { suite, rows: part, drawn: false });
        after.after(chunk);
        watcher.observe(chunk);
        after = chunk;
      }
    }
    return rows.length;
  };
  const updateAll = () => SUITES.reduce((sum, suite) => sum + update(suite), 0);

  const fold = (suite, wide) => {
    if (wide) unfolded.add(suite); else unfolded.delete(suite);
    update(suite);
  };
  // The rows that the page comes with, arranged by the shown columns; those of scenarios are drawn anew.
  const lines = table ? [...table.querySelectorAll("colgroup, tr")].map((line) => [line, [...line.children]]) : [];
  const arrange = () => {
    shown = columnChoice.shown();
    compare();
    for (const [line, [first, ...rest]] of lines) line.replaceChildren(first, ...shown.map(({ number }) => rest[number]));
    table.querySelector("tr.groups")?.remove();
    const heads = columnChoice.heads();
    if (heads.length) table.tHead.prepend(make("tr.groups", null, make("td"), heads.map(([name, count]) => make("th", { scope: "colgroup", colspan: count, title: name }, name))));
    table.style.setProperty("--columns", shown.length);
    table.classList.toggle("few", shown.length < 7);
    table.classList.toggle("many", shown.length >= 7);
    updateAll();
  };
  if (table) columnChoice.whenChanged(arrange);
  const started = () => {
    for (const suite of SUITES) {
      const title = $(`suite-${suite.number}`).querySelector(".title");
      suite.button = make("button.fold", { type: "button", "aria-expanded": "false", title: suite.about || null }, title.textContent);
      suite.button.addEventListener("click", () => fold(suite, !unfolded.has(suite)));
      title.replaceChildren(suite.button);
    }
    if (SUITES.length === 1 && SUITES[0].rows.length <= 200) fold(SUITES[0], true);
  };

  // One stop for the tabulator; arrows go from cell to cell.
  // Scroll a line below the table's head, or (`middle`) to where one looks; and a cell beside the first column.
  const box = $("matrix-box");
  const bring = (line, cell, middle) => {
    const head = table.tHead.offsetHeight;
    const scrolls = getComputedStyle(box).overflowY !== "visible";
    if (scrolls) box.scrollIntoView({ block: "nearest" });
    const frame = scrolls ? box.getBoundingClientRect() : { top: $("bar").offsetHeight, bottom: innerHeight };
    const { top, bottom } = line.getBoundingClientRect();
    const room = frame.bottom - frame.top - head;
    if (!middle || top < frame.top + head || bottom > frame.bottom) {
      (scrolls ? box : window).scrollBy(0, top - frame.top - head - (middle ? room / 2 : 0));
    }
    if (!scrolls || !cell) return;
    const { left, right } = cell.getBoundingClientRect();
    const edge = line.firstElementChild.getBoundingClientRect().right;
    if (left < edge) box.scrollLeft -= edge - left;
    if (right > frame.right) box.scrollLeft += right - frame.right;
  };
  const neighbours = (from, rows, columns) => {
    const row = from.closest("tr");
    const at = [...row.children].indexOf(from.closest("td, th"));
    if (columns) {
      let next = row.children[at + columns];
      while (next && !next.querySelector("a")) next = row.children[[...row.children].indexOf(next) + columns];
      return next && next.querySelector("a.cell, a.row");
    }
    const all = [...table.querySelectorAll("tbody.scenarios tr[data-row]")];
    let place = all.indexOf(row) + rows;
    while (all[place] && !all[place].children[at].querySelector("a")) place += Math.sign(rows);
    return all[place] && all[place].children[at].querySelector("a.cell, a.row");
  };
  const keys = {
    ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], PageDown: [15, 0], PageUp: [-15, 0],
  };
  const focus = (anchor) => {
    for (const other of table.querySelectorAll("a[tabindex='0']")) other.tabIndex = -1;
    anchor.tabIndex = 0;
    anchor.focus({ preventScroll: true });
    bring(anchor.closest("tr"), anchor.closest("td"), true);
  };
  if (table) {
    table.addEventListener("keydown", (event) => {
      const from = event.target.closest("a.cell, a.row");
      if (!from || !keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const to = neighbours(from, ...keys[event.key]);
      if (to) focus(to);
      else if (event.key === "ArrowUp") from.closest("tbody").previousElementSibling?.querySelector("button")?.focus();
    });
  }

  return {
    started,
    // Filter; the number of scenarios that are left.
    filter(query, which) {
      words = query;
      show = which;
      if (words.length || show) for (const suite of SUITES) if (suite.rows.some(wanted)) unfolded.add(suite);
      return updateAll();
    },
    unfold(wide) {
      for (const suite of SUITES) if (wide) unfolded.add(suite); else unfolded.delete(suite);
      updateAll();
    },
    // Bring a suite or a row into the window, drawn and marked; null if a filter hides it.
    reveal(suite, row, column) {
      for (const marked of table.querySelectorAll(".marked")) marked.classList.remove("marked");
      if (column) columnChoice.reveal(column);
      if (!unfolded.has(suite)) fold(suite, true);
      if (!row) {
        bring($(`suite-${suite.number}`).rows[0]);
        return suite.button;
      }
      for (const [body, chunk] of chunks) {
        const at = chunk.rows.indexOf(row);
        if (at < 0) continue;
        draw(body);
        const line = body.children[at];
        const cell = column ? line.children[shown.indexOf(column) + 1] : line;
        cell.classList.add("marked");
        bring(line, column && cell, true);
        const anchor = (column ? cell : line).querySelector("a");
        for (const other of table.querySelectorAll("a[tabindex='0']")) other.tabIndex = -1;
        if (anchor) anchor.tabIndex = 0;
        return anchor;
      }
      return null;
    },
    drawAll() { for (const body of [...chunks.keys()]) draw(body); },
  };
})();
