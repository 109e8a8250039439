"use strict";
// What the page of a run and the matrix share. All that came over the wire is set as text, never as HTML.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** Return the data of the page, which is compressed, since most of it is read by few. */
async function unpacked() {
  const packed = Uint8Array.from(atob(JSON.parse(document.getElementById("details").textContent)), (one) => one.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

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

/* The words of a filter. */

/** Split a filter: `RFC 7692 7.1` is one word. */
const wordsOf = (text) => text.toLowerCase().match(/rfc \d+(?: [\d.]*\d)?|\S+/g) ?? [];

/** Tell whether a word means a case: a glob, a section or a case, else a part of the texts of `textOf`. */
function means(id, word, textOf) {
  const name = id.toLowerCase();
  if (/^[\dx.*?[\]-]*[*?[][\dx.*?[\]-]*$/.test(word)) return globOf(word).test(name);
  if (/^(x|\d{1,2})(\.\d*)*$/.test(word)) return `${name}.`.startsWith(`${word.replace(/\.+$/, "")}.`);
  if (/^\d{4}$|^rfc /.test(word)) return new RegExp(`${word.replaceAll(".", "\\.")}(?!\\d)`).test(textOf(id));
  return textOf(id).includes(word);
}

function globOf(word) {
  const source = word.replace(/\[!/g, "[^").replace(/[.]/g, "\\.").replace(/[*]/g, ".*").replace(/[?]/g, ".");
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /$^/; // it is being typed
  }
}
