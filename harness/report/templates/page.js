"use strict";
// Everything that came over the wire is set as text, never as HTML.

const data = JSON.parse(document.getElementById("details").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const textField = document.getElementById("text");
const filter = { role: "", verdicts: new Set() };

/** Make an element: a string child becomes text, null is left out. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* Theme: the system's, until the reader chooses. */

const root = document.documentElement;
function storedTheme(theme) {
  try {
    if (theme) localStorage.setItem("theme", theme);
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is switched off
  }
}
root.className = storedTheme() ?? "";
document.getElementById("theme").addEventListener("click", () => {
  const isDark = root.className ? root.className === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.className = isDark ? "light" : "dark";
  storedTheme(root.className);
});

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
  else body.replaceChildren();
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

function followAddress() {
  const [, role, id] = /^#(?:(\w+)\/)?(.+)$/.exec(location.hash) ?? [];
  if (id) go(id, role);
}

/* What a case opens to. */

function showDetails(article, body, role) {
  const id = article.dataset.case;
  const roles = Object.keys(data.cases).filter((name) => data.cases[name][id]);
  const differing = article.querySelector(".chip.differs");
  const wanted = [role, filter.role, differing && differing.dataset.role].find((name) => roles.includes(name));
  showRole(id, body, roles, wanted ?? roles[0], false);
}

function showRole(id, body, roles, role, focus) {
  history.replaceState(null, "", `#${role}/${id}`);
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

function detailsOf(id, role, found) {
  return [
    found.description ? block("Description", found.description) : null,
    make("div", "pair",
      found.expectation ? make("div", "", ...block("Expectation", found.expectation).childNodes) : null,
      happenedOf(found)),
    found.rfc || found.requirement ? ruleOf(found) : null,
    closesOf(found),
    found.wire ? wireOf(found.wire) : null,
    found.request || found.response ? handshakeOf(found) : null,
    found.facts ? fold("What the suite noted", listOf(found.facts)) : null,
    make("p", "title", "Repeat"),
    repeatOf(found.repeat ?? `python -m harness run --role ${role} --cases ${id}`),
  ].filter(Boolean);
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
    lines ? listOf(pairs) : null);
}

function closesOf(found) {
  if (!found.behaviorClose) return null;
  const pairs = [
    ["behaviour", found.behavior],
    ["close behaviour", found.behaviorClose],
    ["the library sent", found.library ?? "no close code"],
    ["the suite sent", found.suite ?? "no close code"],
  ];
  if (found.expectedCodes) pairs.push(["codes expected", found.expectedCodes]);
  if (found.duration !== undefined) pairs.push(["time", `${found.duration} ms`]);
  return make("div", "verdict", make("p", "title", "Verdict and close codes"), listOf(pairs));
}

function handshakeOf(found) {
  return fold("Opening handshake",
    found.request ? make("pre", "", found.request) : null,
    found.response ? make("pre", "", found.response) : null);
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
const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function wireOf(entries) {
  return make("div", "", make("p", "title", "On the wire"), make("ol", "wire", ...entries.map(wireLine)));
}

function wireLine(entry) {
  if (entry.note) return make("li", "remark", make("span", "who", ""), make("span", "head", entry.note));
  const content = "opcode" in entry ? frameOf(entry) : octetsOf(entry);
  const kind = "opcode" in entry ? "frame" : "octets";
  const who = make("span", "who", "opcode" in entry || entry.http ? (entry.sender === "suite" ? "suite →" : "← library") : "");
  return make("li", `${kind} ${entry.sender}`, who, make("div", "", ...content));
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
    entry.hex ? make("div", "hex", spaced(entry.hex) + (entry.cut ? " …" : "")) : null,
  ];
}

function octetsOf(entry) {
  if (entry.http) return [make("pre", "", entry.http)];
  const writes = entry.writes > 1 ? ` in ${entry.writes} pieces` : "";
  return [
    make("div", "head", plural(entry.length, "octet") + writes),
    entry.octets ? make("div", "hex", spaced(entry.octets) + (entry.cut ? " …" : "")) : null,
  ];
}

/* The filter. */

const haystacks = new Map([...cases].map(([id, article]) => {
  const texts = [data.texts[id], ...Object.values(data.cases).map((found) => found[id])].filter(Boolean);
  const words = texts.flatMap((text) => [text.description, text.expectation, text.rfc, text.requirement, text.result]);
  return [id, [article.querySelector(".row").textContent, ...words].join("\n").toLowerCase()];
}));

/** Tell whether a case is meant: a number means a section or a case, any other word a part of its texts. */
function means(id, word) {
  return /^\d[\d.]*$/.test(word) ? `${id}.`.startsWith(`${word.replace(/\.+$/, "")}.`) : haystacks.get(id).includes(word);
}

function chipFits(chip) {
  if (filter.role && chip.dataset.role !== filter.role) return false;
  if (!filter.verdicts.size) return "verdict" in chip.dataset;
  return filter.verdicts.has(chip.dataset.verdict) || (filter.verdicts.has("differs") && chip.classList.contains("differs"));
}

function applyFilter() {
  const words = textField.value.toLowerCase().split(/\s+/).filter(Boolean);
  const active = words.length > 0 || filter.verdicts.size > 0;
  let number = 0;
  for (const [id, article] of cases) {
    article.hidden = !(words.every((word) => means(id, word)) && all(".chip", article).some(chipFits));
    number += article.hidden ? 0 : 1;
  }
  for (const section of all(".sub, .section")) {
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
}

function clearFilter() {
  textField.value = "";
  filter.verdicts.clear();
  for (const button of all("[data-filter]")) button.setAttribute("aria-pressed", "false");
  applyFilter();
}

textField.addEventListener("input", applyFilter);
for (const button of all("[data-filter]")) {
  button.addEventListener("click", () => {
    const verdict = button.dataset.filter;
    const pressed = !filter.verdicts.delete(verdict);
    if (pressed) filter.verdicts.add(verdict);
    button.setAttribute("aria-pressed", String(pressed));
    applyFilter();
  });
}
for (const button of all("[data-show]")) {
  button.addEventListener("click", () => {
    filter.role = button.dataset.show;
    document.body.className = filter.role ? `only-${filter.role}` : "";
    for (const other of all("[data-show]")) other.setAttribute("aria-pressed", String(other === button));
    applyFilter();
  });
}

/* Mouse and keyboard. */

document.getElementById("tree").addEventListener("click", ({ target }) => {
  const row = target.closest(".row");
  if (row) open(row, !isOpen(row));
  if (target.dataset.dot) go(target.dataset.dot, target.parentElement.dataset.role);
});
document.getElementById("tree").addEventListener("pointerover", ({ target }) => {
  const { dot } = target.dataset;
  if (dot) target.title = `${dot} ${cases.get(dot).querySelector(".name").textContent}`;
});

const expand = document.getElementById("expand");
expand.addEventListener("click", () => {
  const opened = expand.textContent === "open all";
  for (const row of all(".section > h2 > .row, .sub > h3 > .row")) open(row, opened);
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
applyFilter();
followAddress();
