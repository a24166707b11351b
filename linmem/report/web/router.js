// The address says what is shown:
//   #VIEW?q=words&show=which&columns=RUNTIME,RUNTIME&group=engine   #SUITE?show=differ   #SUITE/SCENARIO   #SUITE/SCENARIO/RUNTIME
//   #differences/RUNTIME/RUNTIME   #failure/SUITE/SCENARIO/RUNTIME   #observed/SUITE/ID/SCENARIO   #known/ENTRY
{
  const root = document.documentElement;
  const search = $("q");
  const found = $("found");
  const show = $("show");
  const VIEWS = ["conformance", "portability", "differences", "failures", "environment"];
  let view = null;
  let opener = null;
  const wordsOf = (query) => query.toLowerCase().split(/\s+/).filter(Boolean);

  // Apply the search to the view that is shown.
  const apply = () => {
    const words = wordsOf(search.value);
    let count = null;
    let noun = "scenario";
    if (view === "conformance" && $("matrix")) count = matrix.filter(words, show ? show.value : "");
    if (view === "portability") [count, noun] = [portabilityView.filter(words), "finding"];
    if (view === "differences") count = differenceView.filter(words);
    if (view === "failures") [count, noun] = [failureView.filter(words), "failure"];
    found.value = words.length && count !== null ? plural(count, noun) : "";
  };
  const enter = (name) => {
    if (view === name) return false;
    view = name;
    root.dataset.view = name;
    for (const anchor of document.querySelectorAll("#bar ul a")) {
      if (anchor.hash === `#${name}`) anchor.setAttribute("aria-current", "page"); else anchor.removeAttribute("aria-current");
    }
    search.parentElement.hidden = name === "environment";
    apply();
    return true;
  };
  const unmark = () => { for (const marked of document.querySelectorAll(".marked")) marked.classList.remove("marked"); };
  const hash = () => {
    const [path, query] = location.hash.slice(1).split("?");
    try {
      return [decodeURIComponent(path), query];
    } catch {
      return [path, query];
    }
  };
  // The address tells what is chosen, so that it can be passed on.
  const share = () => {
    if (panel.open || !view) return;
    const chosen = new URLSearchParams([["q", search.value.trim()], ["show", show && view === "conformance" ? show.value : ""]].filter(([, value]) => value).concat(columnChoice.told()));
    const [path] = hash();
    const query = String(chosen).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%40", "@");
    history.replaceState(null, "", `#${VIEWS.includes(path.split("/")[0]) ? path : view}${query ? `?${query}` : ""}`);
  };

  const route = () => {
    const [path, query] = hash();
    const [first, ...rest] = path.split("/");
    const asked = new URLSearchParams(query || "");
    unmark();
    if (query !== undefined) {
      search.value = asked.get("q") || "";
      if (show) show.value = [...show.options].some(({ value }) => value === asked.get("show")) ? asked.get("show") : "";
      columnChoice.choose(asked);
      view = VIEWS.includes(first) || !view ? null : view;
    }
    const row = ROWS.get(rest.length >= 1 ? `${first}/${rest[0]}` : "");
    if (row) return scenario(row, COLUMNS.find((column) => column.address === rest[1]));
    panel.close();
    if (first === "differences") {
      differenceView.choose(...rest);
      if (!enter("differences")) apply();
    } else if (first === "failure") {
      enter("failures");
      failureView.reveal(path);
    } else if (first === "observed") {
      enter("portability");
      portabilityView.reveal(path);
    } else if (first === "known") {
      enter("failures");
      const entry = $(`known-${rest[0]}`);
      if (entry) {
        entry.classList.add("marked");
        entry.scrollIntoView({ block: "center" });
      }
    } else if (VIEWS.includes(first)) {
      enter(first);
    } else {
      const suite = SUITES.find(({ address }) => address === first);
      if (!suite) return enter(view || "conformance");
      if (query !== undefined) view = null;
      enter("conformance");
      matrix.reveal(suite)?.focus({ preventScroll: true });
    }
    return undefined;
  };
  const scenario = (row, column) => {
    if (!view) enter("conformance");
    let anchor = null;
    if (view === "conformance") {
      anchor = matrix.reveal(row.suite, row, column);
      if (!anchor && (search.value || (show && show.value))) {
        search.value = "";
        if (show) show.value = "";
        apply();
        anchor = matrix.reveal(row.suite, row, column);
      }
    }
    const active = document.activeElement;
    const inside = active && $("panel").contains(active);
    if (!inside) opener = anchor || (active !== document.body ? active : null);
    panel.show(row, column);
    panel.focus();
  };

  panel.whenClosed(() => {
    if (ROWS.has(hash()[0].split("/").slice(0, 2).join("/"))) history.pushState(null, "", `#${view || "conformance"}`);
    if (opener && opener.isConnected) opener.focus({ preventScroll: true });
    opener = null;
  });

  // A view that is chosen in the bar keeps the page where it is, unless the bar has been scrolled past.
  for (const anchor of document.querySelectorAll("#bar ul a")) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", anchor.hash);
      route();
      const top = $("bar").getBoundingClientRect().top;
      if (top <= 0) $("main").scrollIntoView();
    });
  }
  $("search").addEventListener("submit", (event) => event.preventDefault());
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { apply(); share(); }, 80);
  });
  if (show) show.addEventListener("change", () => { apply(); share(); });
  columnChoice.whenChanged(() => { if (root.classList.contains("ready")) share(); });
  const unfold = $("unfold");
  if (unfold) {
    unfold.addEventListener("click", () => {
      const all = unfold.getAttribute("aria-pressed") !== "true";
      unfold.setAttribute("aria-pressed", String(all));
      unfold.textContent = all ? "Fold all suites" : "Unfold all suites";
      matrix.unfold(all);
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "Escape") {
      if (panel.open) panel.close();
      else if (columnChoice.close()) return;
      else if (document.activeElement === search) {
        search.value = "";
        apply();
        search.blur();
      }
    } else if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
    } else if (/^[1-5]$/.test(event.key) && !typing) {
      document.querySelectorAll("#bar ul a")[Number(event.key) - 1].click();
    }
  });
  let folded = [];
  addEventListener("beforeprint", () => {
    matrix.drawAll();
    failureView.openAll();
    folded = [...document.querySelectorAll("main details:not([open])")];
    for (const details of folded) open(details);
  });
  addEventListener("afterprint", () => { for (const details of folded) details.open = false; });
  addEventListener("hashchange", route);
  // Without its name, no view is scrolled to by the browser; the address is for the script alone.
  for (const section of document.querySelectorAll(".view")) section.id = `view-${section.id}`;
  if ($("matrix")) matrix.started();
  route();
  if (!panel.open && hash()[0] && scrollY === 0 && $("main").getBoundingClientRect().top > 0.6 * innerHeight) $("main").scrollIntoView();
  root.classList.add("ready");
}
