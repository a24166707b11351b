// The page's data (linmem/report/pagedata.py is the other side): lists of numbers, made objects with names here.
const D = JSON.parse(document.getElementById("data").textContent);
const text = (number) => D.texts[number];
const STATUS = D.statuses.map(([key, mark, label, meaning, unexpected], rank) => ({ key, mark, label, meaning, unexpected: Boolean(unexpected), rank }));
const MISSING = STATUS.findIndex((status) => status.key === "missing");
const UNEXPECTED = STATUS.findIndex((status) => status.key === "unexpected");
const labelOf = (status, outcome) => (status.rank === UNEXPECTED ? `unexpected ${outcome}` : status.label);
const OUTCOMES = ["pass", "fail", "unsupported", "crash", "timeout", "error"];
const COLUMNS = D.columns.map(([label, version, address, again, engine, api], number) => ({ label, version, address, again, engine, api, number }));

// A cell's content: `missing` results, and parts that have the same status and note, worst first.
const CELLS = D.cells.map(([missing, parts]) => ({
  missing,
  parts: parts.map(([status, outcome, note, pictures, who]) => ({
    status: STATUS[status], label: labelOf(STATUS[status], OUTCOMES[outcome]), note: text(note), pictures,
    who: who.map(([guest, view]) => ({ guest: text(guest), view: text(view) })),
  })),
}));
for (const cell of CELLS) {
  cell.count = cell.missing + cell.parts.reduce((sum, part) => sum + part.who.length, 0);
  cell.statuses = new Set(cell.parts.map((part) => part.status.key));
  if (cell.missing) cell.statuses.add("missing");
  const worst = cell.parts.length ? cell.parts[0].status.rank : -1;
  cell.worst = STATUS[cell.missing ? Math.max(worst, MISSING) : worst];
  cell.unexpected = cell.worst.unexpected;
  cell.label = cell.worst.rank === UNEXPECTED ? cell.parts[0].label : cell.worst.label;
  cell.several = cell.parts.length + (cell.missing ? 1 : 0) > 1;
}

// Where two columns stand in a text that has a digit for each two of them.
const pairAt = (a, b) => (a < b ? a * COLUMNS.length - (a * (a + 3)) / 2 + b - 1 : pairAt(b, a));

// What a runtime answered to one observation: answers and silences, each with view kind and guests.
const ANSWERS = D.answers.map(([given, silent]) => ({
  given: given.map(([answer, view, guests, raw]) => ({ answer: text(answer), view: text(view), guests: guests.map(text), raw: text(raw) })),
  silent: silent.map(([why, view, guests]) => ({ why: text(why), view: text(view), guests: guests.map(text) })),
}));

const SUITES = D.suites.map(([address, path, title, about, rows], number) => {
  const suite = { address, path: text(path), title: text(title), about: text(about), number };
  suite.rows = rows.map(([at, slug, name, spec, line, kinds, cells, observations, pairs, steps], place) => ({
    suite, place, slug: slug || at, address: `${address}/${at}`, title: text(name), spec: text(spec), line,
    deviates: Boolean(kinds & 1), differs: Boolean(kinds & 2), lacks: Boolean(kinds & 4),
    cells: D.vectors[cells].map((cell) => (cell < 0 ? null : CELLS[cell])),
    pairs: text(pairs),
    steps: () => Array.from({ length: steps.length / 4 }, (_, at) => {
      const [line_, words, expects, asks] = steps.slice(4 * at, 4 * at + 4);
      return { line: line_, text: text(words), expects: text(expects), asks: text(asks) };
    }),
    observations: observations.map(([id, question, agreement, answers, pairs_]) => ({
      pairs: text(pairs_),
      id: text(id), question: text(question), agreement: D.agreements[agreement],
      answers: D.vectors[answers].map((answer) => (answer < 0 ? null : ANSWERS[answer])),
    })),
  }));
  return suite;
});
const ROWS = new Map(SUITES.flatMap((suite) => suite.rows.map((row) => [row.address, row])));

const FAILURES = D.failures.map(([suite, row, column, status, outcome, headline, who, steps, stderr, where, known, full]) => ({
  row: SUITES[suite].rows[row], column: COLUMNS[column], status: STATUS[status], label: labelOf(STATUS[status], OUTCOMES[outcome]), headline: text(headline),
  who: who.map(([guest, view]) => ({ guest: text(guest), view: text(view) })),
  steps, stderr: text(stderr), where: text(where), full: Boolean(full),
  known: known.length ? { place: text(known[0]), anchor: known[1], reason: text(known[2]), link: text(known[3]) } : null,
}));
const failuresOf = new Map();
for (const failure of FAILURES) {
  failure.address = `failure/${failure.row.address}/${failure.column.address}`;
  if (!failuresOf.has(failure.address)) failuresOf.set(failure.address, []);
  failuresOf.get(failure.address).push(failure);
}

const step = (number) => {
  const [words, where, status, expected, actual, raw] = D.steps[number];
  const value = (at) => (at ? text(at - 1) : null);
  return { text: text(words), where: text(where), status: ["ok", "failed", "not reached"][status], expected: value(expected), actual: value(actual), raw: value(raw) };
};

const phrases = (who) => who.map(([runtime, views, guests]) => ({ runtime: text(runtime), views: text(views), guests: text(guests) }));
const FINDINGS = D.findings.map(([suite, id, question, agreement, rows, groups, silent]) => ({
  suite: SUITES[suite], id, question: text(question), agreement: D.agreements[agreement],
  address: `observed/${SUITES[suite].address}/${id}/${SUITES[suite].rows[rows[0]].address.split("/")[1]}`,
  rows: rows.map((row) => SUITES[suite].rows[row]),
  groups: groups.map(([columns, answers]) => ({
    columns: columns.map((column) => COLUMNS[column]),
    answers: answers.map(([answer, who, words]) => ({ answer: text(answer), who: phrases(who), words: words.map(([runtime, said]) => [text(runtime), text(said)]) })),
  })),
  silent: silent.map(([why, who]) => ({ why: text(why) === "missing" ? "not run" : text(why), who: phrases(who) })),
}));

// The command that plays just these results again, for a POSIX shell.
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
const testId = (row, column, { guest, view }) => {
  const names = { suite: row.suite.path, scenario: row.slug, runtime: column.label, guest, view };
  return D.ids[2 * Boolean(guest) + Boolean(view)].replace(/\{(\w+)\}/g, (_, name) => names[name]);
};
const item = (id) => quoted(id.startsWith(D.own) ? id : `--suites=${id}`);
const rerun = (column, ids) => [D.rerun, column.again, ...ids.map(item)].join(" ");
