// Making and mending nodes. Text only ever becomes text nodes, and what did not change is not touched: whoever
// reads, selects or has the focus there must not notice that the world goes on.

/** @returns the element with this id. */
export const at = (id) => document.getElementById(id)

/** Makes an element; children are nodes or become text, those that are null or false are left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value)
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return made
}

/** Makes an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value)
  made.append(...children)
  return made
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name)
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? '' : value)
}

export function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = text
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden
}

const KEY = Symbol('key')

/**
 * Makes the children of `parent` be one node per item, in order. A node that is in its place stays untouched.
 *
 * @param make makes the node of an item
 * @param update brings a node up to date with its item
 */
export function keyed(parent, items, keyOf, make, update = () => undefined) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null
  const known = new Map([...parent.children].map((node) => [node[KEY], node]))
  const wanted = new Set(items.map(keyOf))
  for (const [key, node] of known) if (!wanted.has(key)) node.remove()
  let place = parent.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    let node = known.get(key)
    if (node === undefined) {
      node = make(item)
      node[KEY] = key
      known.set(key, node)
    }
    update(node, item)
    if (node === place) place = place.nextElementSibling
    else parent.insertBefore(node, place)
  }
  // A node that changed places lost the focus on its way.
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true })
}

/** Calls `work` soon, and once for all calls until then. */
export function soon(work, milliseconds) {
  let isComing = false
  return () => {
    if (isComing) return
    isComing = true
    setTimeout(() => {
      isComing = false
      work()
    }, milliseconds)
  }
}
