// The page's elements are in `demo/page/index.html`. A script finds them by selector, and fails at once if one is missing.

/** Finds the one element that a selector matches. */
export function find<Kind extends Element>(root: ParentNode, selector: string, kind: new () => Kind): Kind {
  const found = root.querySelector(selector)
  if (found instanceof kind) return found
  throw new Error(`the page has no ${selector}`)
}

/** Creates the element of a template. */
export function fromTemplate(id: string): HTMLElement {
  const { content } = find(document, `template#${id}`, HTMLTemplateElement)
  const element = document.importNode(content, true).firstElementChild
  if (element instanceof HTMLElement) return element
  throw new Error(`the template ${id} is empty`)
}

/** Sets the text of an element, and hides it if there is none. */
export function write(element: HTMLElement, text: string): void {
  element.textContent = text
  element.hidden = text === ''
}
