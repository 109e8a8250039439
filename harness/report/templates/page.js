
/* The page of a run. */

const data = await unpacked();
const textField = document.getElementById("text");
const filter = { role: "", verdicts: new Set(), byTime: false };
let openCase = ""; // setup/case, as the address has it

const expand = document.getElementById("expand");
const MAX_OPENED = 100; // cases

/* Opening and closing sections and cases. */

const cases = new Map(all(".case").map((element) => [element.dataset.case, element]));
const bodyOf = (row) => row.parentElement.parentElement.querySelector(":scope > .body, :scope > .details");
const isOpen = (row) => row.getAttribute("aria-expanded") === "true";

function open(row, opened = true, role = "") {
  const body = bodyOf(row);
  row.setAttribute("aria-expanded", String(opened));
  body.hidden = !opened;
  const article = row.closest(".case");
  if (!article) return;
  article.classList.toggle("open", opened);
  if (opened) showDetails(article, body, role);
  else {
    body.replaceChildren();
    if (openCase.endsWith(`/${article.dataset.case}`)) openCase = "";
    writeAddress();
  }
}

/** Open a case and all around it, and go there. */
function go(id, role = "") {
  const article = cases.get(id);
  if (!article) return;
  if (article.hidden) clearFilter();
  for (let around = article.parentElement; around; around = around.parentElement) {
    if (around.matches(".section, .sub")) open(around.querySelector(".row"));
  }
  const row = article.querySelector(".row");
  open(row, true, role);
  article.scrollIntoView({ block: "start" });
  row.focus({ preventScroll: true });
}

/** The address holds the open case, then what is shown: `#server/6.4.1?text=1007&verdict=FAILED&role=server&sort=time`. */
function writeAddress() {
  const shown = new URLSearchParams();
  if (textField.value) shown.set("text", textField.value);
  if (filter.verdicts.size) shown.set("verdict", [...filter.verdicts].join(","));
  if (filter.role) shown.set("role", filter.role);
  if (filter.byTime) shown.set("sort", "time");
  history.replaceState(null, "", `#${openCase}${shown.size ? `?${shown}` : ""}`);
}

function followAddress() {
  const [, place, shown] = /^#([^?]*)(?:\?(.*))?$/.exec(location.hash) ?? [];
  if (shown !== undefined) readFilter(new URLSearchParams(shown));
  const [, setup, id] = /^(?:(.+)\/)?([^/]+)$/.exec(place ?? "") ?? [];
  if (id) go(id, setup);
}

function readFilter(shown) {
  textField.value = shown.get("text") ?? "";
  filter.verdicts = new Set((shown.get("verdict") ?? "").split(",").filter(Boolean));
  filter.role = shown.get("role") ?? "";
  sortBy(shown.get("sort") === "time");
  applyFilter();
}

/* What a case opens to. */

function showDetails(article, body, role) {
  const id = article.dataset.case;
  const roles = Object.keys(data.cases).filter((name) => data.cases[name][id]);
  const differing = article.querySelector(".chip.differs");
  const shown = roles.find((name) => filter.role && name.split("/")[0] === filter.role);
  const wanted = [role, shown, differing && differing.dataset.setup].find((name) => roles.includes(name));
  showRole(id, body, roles, wanted ?? roles[0], false);
}

function showRole(id, body, roles, role, focus) {
  openCase = `${role}/${id}`;
  writeAddress();
  const found = data.cases[role][id];
  const panel = make("div", "", ...detailsOf(id, role, { ...data.texts[id], ...found }));
  const tabs = make("div", "tabs", ...roles.map((name) => tab(id, body, roles, name, name === role)));
  tabs.setAttribute("role", "tablist");
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-label", `${id} as ${role}`);
  body.replaceChildren(tabs, panel);
  if (focus) tabs.querySelector("[aria-selected=true]").focus();
}

function tab(id, body, roles, role, selected) {
  const button = make("button", "", `as ${role}`);
  button.type = "button";
  button.setAttribute("role", "tab");
  button.setAttribute("aria-selected", String(selected));
  button.tabIndex = selected ? 0 : -1;
  button.addEventListener("click", () => showRole(id, body, roles, role, true));
  return button;
}

const titleOf = (id) => cases.get(id).querySelector(".name").textContent;

function detailsOf(id, role, found) {
  return [
    found.reason ? reasonOf(found) : null,
    found.log ? make("div", "", make("p", "title", "The end of the testee's log"), make("pre", "", found.log)) : null,
    make("div", "pair",
      happenedOf(found),
      found.expectation ? make("div", "", ...block("Expectation", found.expectation).childNodes) : null),
    found.description && found.description !== titleOf(id) ? block("Description", found.description) : null,
    found.rfc || found.requirement ? ruleOf(found) : null,
    closesOf(found),
    found.wire ? wireOf(found.wire) : null,
    found.facts ? fold("What the suite noted", listOf(found.facts)) : null,
    make("p", "title", "Repeat"),
    repeatOf(found.repeat ?? `python -m harness run --role ${role.split("/")[0]} --cases ${id}`),
  ].filter(Boolean);
}

/** Why it differs, before all else: the sentence, then what is missing above what came instead. */
function reasonOf(found) {
  const [missing, instead] = [found.missing ?? [], found.instead ?? []];
  const rows = [];
  for (let at = 0; at < Math.max(missing.length, instead.length); at++) {
    const [lost, came] = marked(missing[at], instead[at]);
    if (lost) rows.push(make("li", "lost", "− ", ...lost));
    if (came) rows.push(make("li", "came", "+ ", ...came));
  }
  return make("div", "why",
    make("p", "title", found.kind),
    make("p", "text", found.reason),
    rows.length ? make("ul", "diff", ...rows) : null,
    listOf([["expected", found.wanted], ["actual", found.found]]));
}

/** Mark where two texts differ. */
function marked(first, second) {
  if (first === undefined || second === undefined) return [first && [first], second && [second]];
  let start = 0;
  while (start < first.length && first[start] === second[start]) start++;
  while (start && /\d/.test(first[start - 1]) && /\d/.test(first[start] ?? "")) start--; // a number is one
  let end = 0;
  while (end < Math.min(first.length, second.length) - start && first.at(-1 - end) === second.at(-1 - end)) end++;
  return [first, second].map((text) => {
    const stop = text.length - end;
    return [text.slice(0, start), start < stop ? make("mark", "", text.slice(start, stop)) : null, text.slice(stop)].filter(Boolean);
  });
}

const block = (title, text) => make("div", "", make("p", "title", title), make("p", "text", text));

function listOf(pairs) {
  return make("dl", "facts", ...pairs.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
}

function fold(title, ...content) {
  return make("details", "", make("summary", "", title), ...content);
}

/** The rule of an RFC that a case is about; only what names a section of an RFC has a link. */
function ruleOf(found) {
  const link = make("a", "", found.rfc ?? "");
  if (found.link) link.href = found.link;
  return make("div", "",
    make("p", "title", "Rule"),
    make("p", "text", found.link ? link : found.rfc ?? "", found.rfc && found.requirement ? "\n" : "", found.requirement ?? ""));
}

function happenedOf(found) {
  const lines = [found.result, found.resultClose].filter(Boolean).join("\n");
  const pairs = Object.entries(found.expected ?? {}).map(([verdict, events]) => [`for ${verdict}`, events.join(", ")]);
  pairs.push(["seen", (found.received ?? ["nothing"]).join(", ")]);
  return make("div", "",
    make("p", "title", "What happened"),
    lines ? make("p", "text", lines) : make("p", "text soft", "It has not run."),
    lines && !found.missing?.length && !found.instead?.length ? listOf(pairs) : null);
}

function closesOf(found) {
  if (!found.behaviorClose) return null;
  const pairs = [
    ["behaviour", found.behavior],
    ["close behaviour", found.behaviorClose],
    [`the ${data.peer} sent`, found.library ?? "no close code"],
    ["the suite sent", found.suite ?? "no close code"],
  ];
  if (found.expectedCodes) pairs.push(["codes expected", found.expectedCodes]);
  if (found.duration !== undefined) pairs.push(["time", `${found.duration} ms`]);
  return make("div", "verdict", make("p", "title", "Verdict and close codes"), listOf(pairs));
}

function repeatOf(command) {
  const copy = make("button", "plain", "copy");
  copy.type = "button";
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command);
    copy.textContent = "copied";
  });
  return make("p", "repeat", make("code", "", command), navigator.clipboard ? copy : null);
}

/* The wire log. */

const spaced = (hex) => hex.replace(/..(?=.)/g, "$& ");

function wireOf(entries) {
  return make("div", "", make("p", "title", "On the wire"), make("ol", "wire", ...entries.map(wireLine)));
}

function wireLine(entry) {
  const time = make("span", "at", entry.at === undefined ? "" : `${entry.at.toFixed(1)} ms`);
  if (entry.note) return make("li", "remark", make("span", "who", time), make("span", "head", entry.note));
  const content = "opcode" in entry ? frameOf(entry) : entry.http ? headOf(entry) : octetsOf(entry);
  const kind = "opcode" in entry ? "frame" : entry.http ? "http" : "octets";
  const who = make("span", "who", entry.sender === "suite" ? "suite → " : `← ${data.peer} `, time);
  return make("li", `${kind} ${entry.sender}`, who, make("div", "", ...content));
}

/** A head, a field a line; the field at fault is marked. */
function headOf(entry) {
  const fault = (entry.field ?? "").toLowerCase();
  const lines = entry.http.split("\n").map((line, at) => {
    const isAtFault = fault && (line.toLowerCase().startsWith(`${fault}:`) || (at === 0 && /^(start|status|request|version|method)/.test(fault)));
    return isAtFault ? make("mark", "", `${line}\n`) : `${line}\n`;
  });
  return [make("pre", "", ...lines), fault ? make("p", "head", `at fault: ${entry.field}`) : null].filter(Boolean);
}

/** Octets; of many all but the first are folded. */
function hexOf(hex, cut) {
  const shown = spaced(hex) + (cut ? " … (the log has no more)" : "");
  if (hex.length <= 192) return make("div", "hex", shown);
  return make("details", "", make("summary", "hex", `${spaced(hex.slice(0, 128))} …`), make("div", "hex", shown));
}

function frameOf(entry) {
  const flag = (name, on) => make("span", on ? "flag" : "flag off", on ? name : `${name}=0`);
  const reserved = [4, 2, 1].flatMap((bit, index) => ((entry.rsv ?? 0) & bit ? [flag(`RSV${index + 1}`, true)] : []));
  return [
    make("div", "head",
      make("b", "", entry.name), flag("FIN", entry.fin), ...reserved,
      make("span", "", plural(entry.length, "byte")),
      make("span", "", entry.mask ? `mask ${entry.mask}` : "no mask"),
      entry.code ? make("span", "", `code ${entry.code}`) : null),
    entry.text ? make("div", "payload", `“${entry.text}${entry.cut ? " …" : ""}”`) : null,
    entry.hex ? hexOf(entry.hex, entry.cut) : null,
  ];
}

function octetsOf(entry) {
  const writes = entry.writes > 1 ? ` in ${entry.writes} pieces` : "";
  return [make("div", "head", plural(entry.length, "octet") + writes), entry.octets ? hexOf(entry.octets, entry.cut) : null].filter(Boolean);
}

/* The filter. */

const haystacks = new Map();
function textOf(id) {
  if (!haystacks.has(id)) haystacks.set(id, haystackOf(id));
  return haystacks.get(id);
}

function haystackOf(id) {
  const article = cases.get(id);
  const found = Object.values(data.cases).map((setup) => setup[id]).filter(Boolean);
  const words = [data.texts[id], ...found].filter(Boolean).flatMap((text) =>
    [text.description, text.expectation, text.rfc, text.requirement, text.result, text.reason, text.library, text.expectedCodes]);
  const sections = all(".section, .sub").filter((section) => section.contains(article));
  const references = sections.map((section) => section.querySelector(".rfc")?.textContent);
  return [article.querySelector(".row").textContent, ...words, ...references].join("\n").toLowerCase();
}

/** The verdicts that are words: where one is typed, only the verdict is meant. */
const verdicts = new Set(["ok", "failed", "informational", "non-strict", "unimplemented", "unclean", "error", "missing", "differs"]);
const verdictOf = (chip, word) => (word === "differs" ? chip.classList.contains("differs") : chip.dataset.verdict?.toLowerCase() === word);

function chipFits(chip) {
  if (filter.role && chip.dataset.role !== filter.role) return false;
  if (!filter.verdicts.size) return "verdict" in chip.dataset;
  return filter.verdicts.has(chip.dataset.verdict) || (filter.verdicts.has("differs") && chip.classList.contains("differs"));
}

function applyFilter() {
  const words = wordsOf(textField.value);
  const active = words.length > 0 || filter.verdicts.size > 0;
  for (const button of all("[data-filter]")) button.setAttribute("aria-pressed", String(filter.verdicts.has(button.dataset.filter)));
  for (const button of all("[data-show]")) button.setAttribute("aria-pressed", String(filter.role === button.dataset.show));
  document.body.className = filter.role ? `only-${filter.role}` : "";
  let number = 0;
  for (const [id, article] of cases) {
    article.hidden = !(words.every((word) => verdicts.has(word) ? all(".chip", article).some((chip) => verdictOf(chip, word)) : means(id, word, textOf))
      && all(".chip", article).some(chipFits));
    number += article.hidden ? 0 : 1;
  }
  for (const section of all(".sub, .section[data-section]")) {
    section.hidden = !section.querySelector(".case:not([hidden])");
    const row = section.querySelector(".row");
    if (active) {
      section.dataset.before ??= String(isOpen(row));
      open(row, true);
    } else if (section.dataset.before) {
      open(row, section.dataset.before === "true" || section.querySelector(".case.open") !== null);
      delete section.dataset.before;
    }
  }
  for (const dots of all(".dots")) dots.hidden = active;
  document.getElementById("shown").textContent = number === cases.size ? plural(number, "case") : `${number} of ${plural(cases.size, "case")}`;
  document.getElementById("nothing").hidden = number > 0;
  expand.textContent = "open all";
  writeAddress();
}

function clearFilter() {
  textField.value = "";
  filter.verdicts.clear();
  applyFilter();
}

textField.addEventListener("input", applyFilter);
for (const button of all("[data-filter]")) {
  button.addEventListener("click", () => {
    const verdict = button.dataset.filter;
    if (!filter.verdicts.delete(verdict)) filter.verdicts.add(verdict);
    applyFilter();
  });
}
for (const button of all("[data-show]")) {
  button.addEventListener("click", () => {
    filter.role = button.dataset.show;
    applyFilter();
  });
}
for (const button of all("[data-more]")) {
  button.addEventListener("click", () => {
    const names = button.dataset.more.split(" ");
    const links = names.flatMap((name) => {
      const link = make("a", "", name);
      link.href = `#${name}`;
      return [link, " "];
    });
    button.parentElement.replaceChildren(...links);
  });
}

/* Order: by section, or the slowest first. */

const flat = document.getElementById("flat");
const sort = document.getElementById("sort");
const homes = [...cases.values()].map((article) => [article, article.parentElement]);
const timeOf = (id) => Math.max(...Object.values(data.cases).map((setup) => setup[id]?.duration ?? -1));

function sortBy(time) {
  if (filter.byTime === time) return;
  filter.byTime = time;
  sort.setAttribute("aria-pressed", String(time));
  flat.hidden = !time;
  document.getElementById("tree").classList.toggle("by-time", time);
  if (time) {
    const ids = [...cases.keys()].sort((one, other) => timeOf(other) - timeOf(one));
    for (const id of ids) cases.get(id).querySelector(".took").textContent = timeOf(id) < 0 ? "" : `${timeOf(id)} ms`;
    flat.append(...ids.map((id) => cases.get(id)));
  } else for (const [article, home] of homes) home.append(article);
}
sort.addEventListener("click", () => {
  sortBy(!filter.byTime);
  applyFilter();
});

/* Mouse and keyboard. */

document.getElementById("tree").addEventListener("click", ({ target }) => {
  const row = target.closest(".row");
  if (row) open(row, !isOpen(row));
  if (target.dataset.dot) go(target.dataset.dot, target.dataset.setup);
});
document.getElementById("tree").addEventListener("pointerover", ({ target }) => {
  const { dot } = target.dataset;
  if (dot) target.title = `${dot} ${cases.get(dot).querySelector(".name").textContent}`;
});

/** Open all that is shown: the sections, and the cases too where they are few. */
expand.addEventListener("click", () => {
  const opened = expand.textContent === "open all";
  for (const row of all(".section > h2 > .row, .sub > h3 > .row")) open(row, opened);
  const shown = [...cases.values()].filter((article) => !article.hidden).map((article) => article.querySelector(".row"));
  if (!opened || shown.length <= MAX_OPENED) for (const row of shown) if (isOpen(row) !== opened) open(row, opened);
  expand.textContent = opened ? "close all" : "open all";
});

const visibleRows = () => all("#tree .row").filter((row) => row.offsetParent !== null);

function move(row, step) {
  const rows = visibleRows();
  const at = rows.indexOf(row) + step;
  if (at < 0) textField.focus();
  else rows[Math.min(at, rows.length - 1)]?.focus();
}

/** Close what is open, else go to the section around. */
function leave(row) {
  if (isOpen(row)) open(row, false);
  else row.closest(".case, .sub")?.parentElement.closest(".sub, .section")?.querySelector(".row").focus();
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ((key === "j" || key === "k") && target !== textField) {
    const first = visibleRows().find((one) => one.getBoundingClientRect().top >= 0);
    const at = target.closest(".row");
    if (at) move(at, key === "j" ? 1 : -1);
    else first?.focus();
    event.preventDefault();
    return;
  }
  const row = target.closest(".row") ?? (key === "Escape" ? target.closest(".case")?.querySelector(".row") : null);
  if (key === "/" && target !== textField) textField.focus();
  else if (target === textField && key === "Escape") clearFilter();
  else if (target === textField && key === "ArrowDown") move(null, 1);
  else if (target.getAttribute("role") === "tab" && (key === "ArrowLeft" || key === "ArrowRight")) {
    (target.nextElementSibling ?? target.previousElementSibling)?.click();
  } else if (!row) return;
  else if (key === "ArrowDown") move(row, 1);
  else if (key === "ArrowUp") move(row, -1);
  else if (key === "ArrowRight") isOpen(row) ? move(row, 1) : open(row);
  else if (key === "ArrowLeft") leave(row);
  else if (key === "Escape") {
    open(row, false);
    row.focus();
  } else return;
  event.preventDefault();
});

addEventListener("hashchange", followAddress);
const address = location.hash;
applyFilter();
history.replaceState(null, "", address || location.pathname);
followAddress();
