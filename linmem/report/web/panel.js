// The panel tells all of one scenario: what each runtime did, how it went wrong, and what was observed.
const panel = (() => {
  const dialog = $("panel");

  const pictures = (numbers) => numbers.map((number) => {
    if (number < 0) return make("p.soft", null, "A picture was left out, because the page would be too large. report.json has it.");
    const [title, width, height, png] = D.pictures[number];
    return make("figure", null,
      make("img", { src: `data:image/png;base64,${png}`, width, height, alt: `${text(title)}: ${width} × ${height} pixels that the host read from the guest's memory` }),
      make("figcaption", null, `${text(title)}, ${width} × ${height} pixels`));
  });

  const partOf = (part, cell) => [
    make("p", null, cell.several ? [badge(part.status, part.label), " "] : null,
      whoWords(part.who), part.note ? ` ${part.note}` : null),
    pictures(part.pictures),
  ];

  // What was done where all went as it must: the scenario's steps, with what they had to give and so gave.
  const stepsOf = (row) => make("ol.steps", null, row.steps().map(({ line, text: words, expects, asks }) => make("li", null,
    make("code", null, words), expects ? [" → ", make("b", null, expects)] : null,
    asks ? make("span.soft", null, ` asks: ${asks}`) : null, make("small.soft", null, ` line ${line}`))));

  const runtimeOf = (row, column, opened) => {
    const cell = row.cells[column.number];
    const name = [column.label, !column.label.includes("@") && column.version ? make("small", null, ` ${column.version}`) : null];
    if (!cell) return make(".runtime.none", { "data-column": column.address }, make("b", null, name), make("span.soft", null, " not asked"));
    const found = failuresOf.get(`failure/${row.address}/${column.address}`) || [];
    const ids = cell.parts.flatMap((part) => part.who.map((who) => testId(row, column, who)));
    const details = make("details.runtime", { "data-column": column.address },
      make("summary", null, make("b", null, name), " ", badge(cell.worst, cell.label),
        cell.count > 1 ? make("small", null, ` ${plural(cell.count, "result")}`) : null));
    lazily(details, () => make(".body", null,
        cell.missing ? make("p", null, badge(STATUS[MISSING]), ` ${plural(cell.missing, "planned result")} never recorded`) : null,
        cell.parts.map((part) => partOf(part, cell)),
        found.map((failure) => failureBody(failure, found.length > 1)),
        cell.worst.key === "pass" && row.steps().length ? [make("p.soft", null, "Each step gave what it must:"), stepsOf(row)] : null,
        found.length || !ids.length ? null : [make("p.soft", null, "Run again:"), command(rerun(column, ids.slice(0, 40)))]));
    if (opened) open(details);
    return details;
  };

  // Who gave which answer: for each answer the runtimes, with view kinds and guests where these tell them apart.
  const observationOf = (item) => {
    const answers = new Map();
    const silent = new Map();
    item.answers.forEach((answer, number) => {
      if (!answer) return;
      const label = COLUMNS[number].label;
      const several = new Set(answer.given.map((one) => one.answer)).size > 1 || answer.silent.length > 0;
      for (const { answer: said, view, guests, raw } of answer.given) {
        if (!answers.has(said)) answers.set(said, new Map());
        const told = answers.get(said);
        if (!told.has(label)) told.set(label, { how: [], raw });
        if (several) told.get(label).how.push([guests.join(", "), view].filter(Boolean).join(" · "));
      }
      for (const { why, view, guests } of answer.silent) {
        const words = why === "missing" ? "not run" : why;
        if (!silent.has(words)) silent.set(words, []);
        silent.get(words).push([label, [guests.join(", "), view].filter(Boolean).join(" · ")].filter(Boolean).join(" "));
      }
    });
    return make("li", null, make("p.question", null, item.question, " ", make("small.soft", null, item.agreement)),
      make("dl", null,
        [...answers].sort((a, b) => b[1].size - a[1].size).map(([said, told]) => make("div", null, make("dt", null, said),
          make("dd", null, joined([...told].map(([label, { how, raw }]) => [make("b", null, label),
            how.filter(Boolean).length ? ` ${how.filter(Boolean).join(", ")}` : null, raw ? [" ", make("q", null, raw)] : null]), "; ")))),
        [...silent].map(([why, who]) => make("div.soft", null, make("dt", null, `no answer: ${why}`), make("dd", null, who.join(", "))))));
  };

  const show = (row, column) => {
    const neighbours = row.suite.rows;
    const near = (offset, label, arrow) => {
      const other = neighbours[row.place + offset];
      return other ? make("a.step", { href: `#${other.address}${column ? `/${column.address}` : ""}`, "aria-label": `${label}: ${other.title}`, title: other.title }, arrow) : null;
    };
    fill(dialog,
      make(".head", null,
        make("p.soft", null, link(row.suite.address, row.suite.title), " ", near(-1, "previous scenario", "↑"), " ", near(1, "next scenario", "↓")),
        make("button.close", { type: "button", onclick: () => close() }, "Close")),
      make("h2", { id: "panel-h", tabindex: "-1" }, row.title),
      make("p.soft", null, make("code", null, `${row.suite.path}${row.line ? `:${row.line}` : ""}`),
        row.spec ? [" · ", web(row.spec, "the clause it checks")] : null,
        row.deviates ? [" · ", make("span.unlike", null, "broken on some runtime")] : null,
        row.lacks ? [" · ", make("span.soft", null, "missing on some runtime")] : null,
        row.differs ? [" · ", make("span.unlike", null, "≠ different answers to what is open")] : null),
      column ? make(".chosen", null, runtimeOf(row, column, true)) : null,
      make(".runtimes", null, COLUMNS.filter((one) => one !== column).map((one) => runtimeOf(row, one, false))),
      row.observations.length ? [make("h3", null, "Observed"), make("ul.observed", null, row.observations.map(observationOf))] : []);
    if (!dialog.open) dialog.show();
    dialog.scrollTop = 0;
  };

  let closed = () => {};
  const close = () => {
    if (!dialog.open) return;
    dialog.close();
    closed();
  };
  return {
    show, close,
    get open() { return dialog.open; },
    focus() { $("panel-h").focus({ preventScroll: true }); },
    whenClosed(act) { closed = act; },
  };
})();
