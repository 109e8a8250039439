
/* The page of all statements: filters hide rows, and stand in the address. Of one kind any may hold, of several
   kinds all have to. */

const textField = document.getElementById("text");
const rows = all(".statement");
const buttons = all("[data-kind]");
const texts = new Map(rows.map((row) => [row.id, `${row.textContent}\n${row.closest("section").getAttribute("aria-label")}`.toLowerCase()]));

const pressed = (kind) => buttons.filter((button) => button.dataset.kind === kind && button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.value);

function applyFilter() {
  const words = wordsOf(textField.value);
  const wanted = ["rfc", "keyword", "role"].map((kind) => [kind, pressed(kind)]).filter(([, values]) => values.length);
  let shown = 0;
  for (const row of rows) {
    const fits = wanted.every(([kind, values]) => row.dataset[kind].split(" ").some((value) => values.includes(value)));
    row.hidden = !(fits && words.every((word) => texts.get(row.id).includes(word)));
    shown += !row.hidden;
  }
  for (const group of all("[data-group]")) group.hidden = !group.querySelector(".statement:not([hidden])");
  for (const title of all("main > h2")) {
    title.hidden = rows.every((row) => row.hidden || row.dataset.rfc !== title.id);
  }
  document.getElementById("shown").textContent = shown === rows.length ? plural(shown, "statement") : `${shown} of ${plural(rows.length, "statement")}`;
  document.getElementById("nothing").hidden = shown > 0;
}

/** Write the filters into the address. */
function keep() {
  const kept = new URLSearchParams();
  for (const kind of ["rfc", "keyword", "role"]) for (const value of pressed(kind)) kept.append(kind, value);
  if (textField.value) kept.set("text", textField.value);
  const query = kept.toString();
  history.replaceState(null, "", query ? `#?${query}` : location.pathname);
}

/** Take the filters from the address, or show the statement that it names. */
function reveal() {
  const [, id, query] = /^#([^?]*)(?:\?(.*))?$/.exec(location.hash) ?? [];
  const kept = new URLSearchParams(query ?? "");
  if (query !== undefined || id) {
    textField.value = kept.get("text") ?? "";
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(kept.getAll(button.dataset.kind).includes(button.dataset.value)));
    }
    applyFilter();
  }
  const target = id ? document.getElementById(id) : null;
  if (target) target.scrollIntoView();
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    applyFilter();
    keep();
  });
}
textField.addEventListener("input", () => {
  applyFilter();
  keep();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === textField || event.ctrlKey || event.metaKey || event.altKey) return;
  textField.focus();
  event.preventDefault();
});
addEventListener("hashchange", reveal);
applyFilter();
reveal();
