// Any two runtimes side by side, and how alike each two are.
const differenceView = (() => {
  const place = $("pair");
  let one = 0;
  let other = Math.min(1, COLUMNS.length - 1);
  let words = null; // until it is first drawn
  let grid = null;
  const all = SUITES.flatMap((suite) => suite.rows);
  const pairOf = cached((key) => {
    const [a, b] = key.split(" ").map(Number);
    const found = Object.fromEntries(D.comparisons.map((how) => [how, []]));
    if (a !== b) for (const row of all) found[D.comparisons[row.pairs[pairAt(a, b)]]].push(row);
    return found;
  });
  const pair = (a, b) => pairOf(a < b ? `${a} ${b}` : `${b} ${a}`);

  const choice = (id, label, value, change) => make("label", null, label, " ", make("select", { id, onchange: (event) => change(Number(event.target.value)) },
    COLUMNS.map((column) => make("option", { value: column.number, selected: column.number === value }, column.version && !column.label.includes("@") ? `${column.label} ${column.version}` : column.label))));
  const go = (a, b) => { location.hash = `differences/${COLUMNS[a].address}/${COLUMNS[b].address}`; };

  const outcomeSide = (row, number) => {
    const cell = row.cells[number];
    return make("td", null, cell.parts.map((part) => make("p", null, badge(part.status, part.label),
      cell.several ? ` ${whoWords(part.who)}` : null)));
  };
  const answerSide = (item, number) => {
    const answer = item.answers[number];
    if (!answer) return make("td.soft", null, "not asked");
    const said = new Map();
    for (const { answer: words_, view, guests, raw } of answer.given) {
      if (!said.has(words_)) said.set(words_, { who: [], raw });
      for (const guest of guests.length ? guests : [""]) said.get(words_).who.push({ guest, view });
    }
    return make("td", null, [...said].map(([answered, { who, raw }]) => make("p", null, make("b", null, answered), said.size > 1 ? ` ${whoWords(who)}` : null, raw ? [" ", make("q", null, raw)] : null)),
      answer.silent.length ? make("p.soft", null, `no answer: ${answer.silent.map(({ why, view }) => [why, view].filter(Boolean).join(" ")).join(", ")}`) : null);
  };
  const answersDiffer = (item) => D.likenesses[item.pairs[pairAt(one, other)]] === "differs";
  const head = (row) => make("th", { scope: "row" }, link(row.address, row.title));

  const matching = (rows) => rows.filter((row) => words.every((word) => `${row.suite.title} ${row.title} ${row.address} ${row.observations.map((item) => item.question).join(" ")}`.toLowerCase().includes(word)));
  const side = (suite, name, title, lines) => {
    if (!lines.length) return [];
    const body = make("tbody");
    const table = make("table.plain.sides", null, make("caption", null, make("b", null, title)),
      make("colgroup", null, make("col.first"), make("col"), make("col")),
      make("thead", null, make("tr", null, make("th", { scope: "col" }, "Scenario"), make("th", { scope: "col" }, COLUMNS[one].label), make("th", { scope: "col" }, COLUMNS[other].label))), body);
    const more = make("button.more", { type: "button" }, `Show all ${lines.length}`);
    body.append(...lines.slice(0, 300).map((line) => line()));
    more.addEventListener("click", () => { body.append(...lines.slice(300).map((line) => line())); more.remove(); });
    return make(".box", { role: "region", "aria-label": `${suite.title}: ${title}`, tabindex: "0", "data-way": name }, table, lines.length > 300 ? more : null);
  };
  const outcomeLines = (row) => [() => make("tr", null, head(row), outcomeSide(row, one), outcomeSide(row, other))];
  const answerLines = (row) => row.observations.filter(answersDiffer).map((item) => () => make("tr", null,
    make("th", { scope: "row" }, item.question, make("small.soft", null, " ", link(row.address, row.title))), answerSide(item, one), answerSide(item, other)));

  // In which ways two differ, each with its words, how it counts, and its lines. The ways are never added up.
  const LINES = { deviates: outcomeLines, differs: answerLines, lacks: outcomeLines };
  let chosen = "";
  const ways = () => [
    ["deviates", "Broken by one", "broken by one"],
    ["differs", "Different answers to open questions", "with different answers"],
    ["lacks", "Unsupported on one or both", "unsupported on one or both"],
  ];
  const topicOf = (suite, found) => {
    const mine = ways().map(([name, title, label]) => [name, title, label, found[name].filter((row) => row.suite === suite)]).filter(([name, , , rows]) => rows.length && (!chosen || chosen === name));
    if (!mine.length) return null;
    const details = make("details.topic", { "data-topic": suite.address },
      make("summary", null, make("h3", { tabindex: "-1" }, suite.title), make("span.counts", null, mine.map(([name, , label, rows]) => make(`span.count.${name}`, null, make("b", null, rows.length.toLocaleString("en")), ` ${label}`)))));
    return lazily(details, () => make(".part", null, mine.map(([name, title, , rows]) => side(suite, name, title, rows.flatMap(LINES[name])))));
  };
  const chips = (found) => make(".chips", { role: "group", "aria-label": "Which scenarios" }, [["", "All that differ", null], ...ways().map(([name, title]) => [name, title, found[name].length])]
    .filter(([, , count]) => count !== 0).map(([name, title, count]) => make("button.chip", {
      type: "button", "data-which": name, "aria-pressed": String(chosen === name), onclick: () => { chosen = name; draw(); },
    }, title, count === null ? null : make("small", null, ` ${count.toLocaleString("en")}`))));

  // Every two runtimes: in how many scenarios they differ in one way. Light is few, dark is
  // many; the number tells it too.
  const WAYS = [["deviates", "requirements that one breaks"], ["differs", "open questions answered differently"], ["lacks", "what is unsupported on one or both"]];
  let way = "differs";
  const overview = () => {
    const shown = columnChoice.shown();
    if (grid || shown.length < 3) return grid;
    const differ = (a, b) => pair(a, b)[way].length;
    let most = 1;
    for (const a of shown) for (const b of shown) if (a.number < b.number) most = Math.max(most, differ(a.number, b.number));
    const head = make("tr", null, make("th", { scope: "col" }, make("span.hidden", null, "Runtime")), shown.map((column) => make("th", { scope: "col" }, make("span", null, column.label))));
    const rows = shown.map((a) => make("tr", null, make("th", { scope: "row" }, a.label), shown.map((b) => {
      if (a === b) return make("td.self", null, make("span", { "aria-hidden": "true" }, "·"), make("span.hidden", null, "itself"));
      const count = differ(a.number, b.number);
      return make(`td.h${Math.min(5, Math.ceil(5 * count / most))}`, null, make("a", { href: `#differences/${a.address}/${b.address}`, "aria-label": `${a.label} and ${b.label} differ in ${count}` }, String(count)));
    })));
    const choose = make("label", null, "Count ", make("select", { id: "way", onchange: (event) => { way = event.target.value; grid = null; draw(); $("way").focus(); } },
      WAYS.map(([name, label]) => make("option", { value: name, selected: name === way }, label))));
    grid = make(".pairs-box", null, make(".tools", null, choose), make(".box", { role: "region", "aria-label": "All pairs", tabindex: "0" }, make(`table.pairs.${shown.length < 7 ? "few" : "many"}`, null,
      make("caption", null, "In how many scenarios each two differ."), make("thead", null, head), make("tbody", null, rows))));
    return grid;
  };

  columnChoice.whenChanged(() => { grid = null; if (words) draw(); });

  // Runtimes with the same engine inside and different host APIs: whatever differs is the API's, or its version's.
  const siblings = () => {
    const shown = columnChoice.shown();
    const found = shown.flatMap((a, at) => shown.slice(at + 1).filter((b) => a.engine === b.engine && a.api !== b.api).map((b) => [a, b]));
    if (!found.length) return [];
    return [make("h3", null, "Same engine, another API"), make(".box", { role: "region", "aria-label": "Same engine, another API", tabindex: "0" }, make("table.plain.siblings", null,
      make("caption", null, "Scenarios in which two host APIs of one engine differ. Their engines may be of different versions."),
      make("thead", null, make("tr", null, ["Engine", "Runtimes", ...ways().map(([, title]) => title)].map((title, at) => make(at > 1 ? "th.n" : "th", { scope: "col" }, title)))),
      make("tbody", null, found.map(([a, b]) => make("tr", null, make("th", { scope: "row" }, a.engine),
        make("td", null, link(`differences/${a.address}/${b.address}`, `${a.label} (${a.api}) and ${b.label} (${b.api})`)),
        ways().map(([name]) => make("td.n", null, pair(a.number, b.number)[name].length.toLocaleString("en"))))))))];
  };

  const draw = () => {
    if (COLUMNS.length < 2) {
      place.replaceChildren(make("p.soft", null, "One runtime took part, so there is nothing to compare."));
      return 0;
    }
    const found = pair(one, other);
    // The worst first.
    const weight = (row) => Math.max(row.cells[one].worst.rank, row.cells[other].worst.rank);
    const shown = { deviates: matching(found.deviates).sort((a, b) => weight(b) - weight(a)), differs: matching(found.differs), lacks: matching(found.lacks) };
    if (chosen && !found[chosen].length) chosen = "";
    const number = (rows) => rows.length.toLocaleString("en");
    const lead = `Of ${plural(all.length, "scenario")}, ${COLUMNS[one].label} and ${COLUMNS[other].label} behave alike in ${number(found.alike)}. One breaks what the other keeps, or each breaks it in its own way, in ${number(found.deviates)}; open questions are answered differently in ${number(found.differs)}; one or both can’t be tested in ${number(found.lacks)}${found.apart.length ? `; ${number(found.apart)} can’t be compared for other reasons` : ""}.`;
    const list = SUITES.map((suite) => topicOf(suite, shown)).filter(Boolean);
    const count = ways().reduce((sum, [name]) => sum + (chosen && chosen !== name ? 0 : shown[name].length), 0);
    place.replaceChildren(
      make(".tools", null, choice("one", "Compare", one, (number) => go(number, other)), choice("other", "with", other, (number) => go(one, number)),
        make("button", { type: "button", onclick: () => go(other, one) }, "Swap")),
      make("p.lead", { "aria-live": "polite" }, one === other ? "A runtime is like itself." : lead),
      ...(one === other ? [] : [chips(found), ...list, count ? null : make("p.soft", null, "Nothing matches."),
        found.apart.length ? make("details.plainly", null, make("summary", null, `${plural(found.apart.length, "scenario")} that can’t be compared: one was not asked, or gave no answer where the other did`),
          make("ul", null, found.apart.slice(0, 500).map((row) => make("li", null, link(row.address, row.title), make("small.soft", null, ` ${row.suite.title}`))))) : null,
      ].filter(Boolean)),
      ...siblings(), ...(overview() ? [make("h3", null, "All pairs"), grid] : []));
    if (list.length === 1 || (words.length && count <= 60)) for (const details of list) open(details);
    return count;
  };
  return {
    filter(query) {
      words = query;
      return draw();
    },
    choose(first, second) {
      const at = (address) => COLUMNS.findIndex((column) => column.address === address);
      const [a, b] = [at(first), at(second)];
      if (a >= 0) one = a;
      if (b >= 0) other = b;
    },
    // For tests: the counts of every pair.
    counts() {
      return COLUMNS.flatMap((a) => COLUMNS.slice(a.number + 1).map((b) => {
        const found = pair(a.number, b.number);
        return [a.label, b.label, found.alike.length, found.deviates.length, found.differs.length, found.lacks.length, found.apart.length];
      }));
    },
  };
})();
