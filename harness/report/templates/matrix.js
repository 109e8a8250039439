
/* The matrix: a link opens what it leads to, and the filter hides rows. Its text is in the address. The reports on
   cases are shown when they are opened. */

const reports = await unpacked();
const textField = document.getElementById("text");
const rows = all("tr[data-case]");
const texts = new Map();
for (const row of rows) {
  const found = [texts.get(row.dataset.case), row.textContent, row.dataset.rule, ...all("td", row).map((cell) => cell.title)];
  texts.set(row.dataset.case, found.join("\n").toLowerCase());
}
for (const row of all("tr[data-cases]")) {
  for (const name of row.dataset.cases.split(" ")) texts.set(name, `${texts.get(name)}\n${row.querySelector("th, .says").textContent.toLowerCase()}`);
}
for (const found of all(".found")) {
  texts.set(found.dataset.of, `${texts.get(found.dataset.of)}\n${found.textContent}\n${JSON.stringify(reports[found.id])}`.toLowerCase());
  found.addEventListener("toggle", () => show(found), { once: true });
}

/** Show the report in an element that is opened for the first time. */
function show(found) {
  const { facts, wire } = reports[found.id];
  const list = make("dl", "facts", ...facts.flatMap(([name, text]) => [make("dt", "", name), make("dd", name === "repeat" ? "mono" : "", text)]));
  const heads = wire.filter(Boolean).map((text) => make("pre", "", text));
  found.append(list, ...(heads.length ? [make("details", "", make("summary", "", "on the wire"), ...heads)] : []));
}

function applyFilter() {
  const words = wordsOf(textField.value);
  const names = new Set([...texts.keys()].filter((id) => words.every((word) => means(id, word, (name) => texts.get(name)))));
  for (const row of rows) row.hidden = !names.has(row.dataset.case);
  for (const row of all("tr[data-cases]")) row.hidden = !row.dataset.cases.split(" ").some((name) => names.has(name));
  for (const found of all(".found")) found.hidden = !names.has(found.dataset.of);
  for (const fold of all("[data-fold]")) {
    fold.hidden = !fold.querySelector("tbody tr:not([hidden])");
    if (words.length && names.size <= 60) fold.open = !fold.hidden;
  }
  document.getElementById("shown").textContent = words.length ? `${names.size} of ${plural(texts.size, "case")}` : plural(texts.size, "case");
  document.getElementById("nothing").hidden = names.size > 0;
}

function reveal() {
  const [, id, shown] = /^#([^?]*)(?:\?(.*))?$/.exec(location.hash) ?? [];
  if (shown !== undefined) {
    textField.value = new URLSearchParams(shown).get("text") ?? "";
    applyFilter();
  }
  const target = id ? document.getElementById(id) : null;
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (!target) return;
  target.scrollIntoView();
  target.querySelector("summary")?.focus({ preventScroll: true });
}

textField.addEventListener("input", () => {
  applyFilter();
  history.replaceState(null, "", textField.value ? `#?${new URLSearchParams({ text: textField.value })}` : location.pathname);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === textField || event.ctrlKey || event.metaKey || event.altKey) return;
  textField.focus();
  event.preventDefault();
});
addEventListener("hashchange", reveal);
applyFilter();
reveal();
