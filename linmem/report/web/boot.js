// Before anything is painted: the theme that was chosen, and the view that the address names.
{
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("linmem-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch { /* storage may be forbidden; then the system's theme holds */ }
  const first = location.hash.slice(1).split(/[/?]/)[0];
  const view = { portability: "portability", observed: "portability", differences: "differences", failures: "failures",
    failure: "failures", known: "failures", environment: "environment" }[first];
  if (view) root.dataset.view = view;
}
