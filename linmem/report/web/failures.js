// One failure's story: the message, the steps with what was expected and what came, and how to see it again.
const stepOf = (failure, number) => {
  const { text: words, where, status, expected, actual, raw } = step(number);
  const values = status === "failed" ? [["expected", expected], ["actual", actual], [`in ${failure.column.label}’s words`, raw]].filter(([, value]) => value !== null) : [];
  return make(`li.${status.replace(" ", "-")}`, null, make("code", null, words),
    status === "ok" && actual && actual !== "done" ? make("span.soft", null, " → ", make("code", null, actual)) : null,
    where ? make("small.soft", null, ` ${where}`) : null,
    status === "not reached" ? make("small", null, " not reached") : null,
    status === "failed" ? make("b.hidden", null, " failed here") : null,
    values.length ? make("dl", null, values.map(([name, value]) => make("div", null, make("dt", null, name), make("dd", null, make("code", null, value || "nothing"))))) : null);
};
const failureBody = (failure, named) => make(".story", null,
  named ? make("p.who", null, badge(failure.status), " ", whoWords(failure.who)) : null,
  make("p.message", null, failure.headline),
  failure.known ? make("p.known", null, "Known defect, ", link(`known/${failure.known.anchor}`, failure.known.place), `: ${failure.known.reason} `,
    failure.known.link ? web(failure.known.link, failure.known.link) : null) : null,
  failure.steps.length ? make("ol.steps", null, failure.steps.map((number) => stepOf(failure, number))) : failure.where ? make("p.soft", null, failure.where) : null,
  failure.full ? null : make("p.soft", null, "The steps are in report.json; there was no room for them here."),
  failure.stderr ? make("details.plainly", null, make("summary", null, "The driver’s standard error"), make("pre", { tabindex: "0" }, failure.stderr)) : null,
  make("p.soft", null, failure.who.length > 1 ? `Run the first of ${failure.who.length} that failed alike again:` : "Run it again:"),
  command(rerun(failure.column, [testId(failure.row, failure.column, failure.who[0])])));

const failureView = (() => {
  const place = $("failure-list");
  let drawn = false;
  let words = [];
  let chosen = "unexpected";
  let reach = () => {};
  const entries = new Map();
  const results = (some) => some.reduce((sum, failure) => sum + failure.who.length, 0);
  const matching = () => FAILURES.filter((failure) => (chosen === "all" || (chosen === "unexpected" ? failure.status.unexpected : failure.status.key === chosen))
    && words.every((word) => searched(failure).includes(word)));
  const searched = cached(({ row, column, status, headline, who, known, stderr }) =>
    [row.suite.title, row.title, row.address, column.label, status.label, headline, whoWords(who), known ? known.reason : "", stderr].join(" ").toLowerCase());

  const entry = (failure) => {
    const details = make(`details.failure.s-${failure.status.key}`, null,
      make("summary", null, badge(failure.status, failure.label), " ",
        make("b.title", null, failure.row.title), " ", make("span.soft", null, "on ", make("b", null, failure.column.label),
          whoWords(failure.who) ? ` ${failure.who.length > 4 ? plural(failure.who.length, "result") : whoWords(failure.who)}` : null)));
    lazily(details, () => [failureBody(failure, false), make("p.soft", null, link(failure.address, "link to this"), " · ",
      link(`${failure.row.address}/${failure.column.address}`, "all of this scenario"), failure.who.length > 4 ? ` · ${whoWords(failure.who)}` : null)]);
    entries.set(failure, details);
    return details;
  };

  const list = make(".list");
  const chips = make(".chips", { role: "group", "aria-label": "Which results" });
  const update = () => {
    const found = matching();
    entries.clear();
    reach = portions(list, found, entry, 200, "failure");
    if (!found.length) list.replaceChildren(make("p.soft", null, FAILURES.some((failure) => failure.status.unexpected) || chosen !== "unexpected" ? "Nothing matches." : "There is no unexpected result."));
    if (found.length && found.length <= 8) for (const details of entries.values()) open(details);
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.which === chosen));
    return found.length;
  };
  const draw = () => {
    if (drawn) return;
    drawn = true;
    const kinds = STATUS.filter(({ key }) => FAILURES.some(({ status }) => status.key === key)).reverse();
    const options = [["unexpected", "Unexpected", results(FAILURES.filter(({ status }) => status.unexpected))],
      ...kinds.map((status) => [status.key, `${status.mark} ${status.label}`, results(FAILURES.filter((failure) => failure.status === status))])];
    chips.replaceChildren(...options.map(([which, label, count]) => make("button.chip", {
      type: "button", "data-which": which, "aria-pressed": "false", onclick: () => { chosen = which; update(); },
    }, label, make("small", null, ` ${count.toLocaleString("en")}`))));
    if (!FAILURES.some(({ status }) => status.unexpected) && kinds.length) chosen = "known";
    place.replaceChildren(chips, list);
    update();
  };
  return {
    draw,
    filter(query) {
      draw();
      words = query;
      return update();
    },
    reveal(address) {
      draw();
      const [failure] = failuresOf.get(address) || [];
      if (!failure) return;
      if (!matching().includes(failure)) {
        words = [];
        chosen = failure.status.unexpected ? "unexpected" : failure.status.key;
        update();
      }
      reach(failure);
      for (const other of failuresOf.get(address)) if (entries.has(other)) open(entries.get(other));
      const details = entries.get(failure);
      details.classList.add("marked");
      details.scrollIntoView({ block: "start" });
      details.querySelector("summary").focus({ preventScroll: true });
    },
    openAll() { if (drawn) for (const details of entries.values()) open(details); },
  };
})();
