// Elements out of plain data. Texts only ever become text: whatever a model is called, it is no markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with these attributes (null leaves one out) and children, texts among them. */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'style') Object.assign(element.style, value);
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(
    ...children
      .flat(Number.POSITIVE_INFINITY)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** @returns {any} whichever kind of element has this id */
export const byId = (id) => document.getElementById(id);

/** @returns {any[]} all elements that a selector finds */
export const all = (selector) => [...document.querySelectorAll(selector)];

/** Puts this in the place of all that is in the element. */
export const fill = (element, ...children) =>
  element.replaceChildren(...children.flat(Number.POSITIVE_INFINITY).filter(Boolean));

/** Changes a text only where it is another: what is read aloud or selected is left alone else. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A table's head out of [text, class] pairs. */
export const headOf = (columns) =>
  el(
    'thead',
    {},
    el(
      'tr',
      {},
      columns.map(([text, kind]) => el('th', { scope: 'col', class: kind }, text)),
    ),
  );

/** A table with this head, out of such pairs, and these rows. */
export const tableOf = (columns, ...rows) => el('table', {}, headOf(columns), el('tbody', {}, rows));
