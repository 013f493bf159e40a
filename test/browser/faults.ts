// What would hurt a person who looks at a page: looked for in the page itself, so it is JavaScript that knows nothing of here.

/**
 * An expression that gives a list of sentences; empty when the page is in order.
 * @param pressable how high what is pressed has to be, in pixels
 */
export const faultsOf = (pressable: number): string => `(${look.toString()})(${pressable})`;

/* eslint-disable -- runs in the browser, whose types are not those of here */
function look(pressable: number): string[] {
  const browser: any = globalThis;
  const { document, innerWidth, getComputedStyle } = browser;
  const faults = new Set<string>();
  const roots = [document, document.getElementById('widget')?.shadowRoot].filter(Boolean);
  const nameOf = (element: any) =>
    element.localName +
    (element.className ? '.' + String(element.className).replaceAll(' ', '.') : '') +
    ' "' +
    (element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40) +
    '"';
  const isSeen = (element: any) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
  const elements: any[] = roots
    .flatMap((root: any) => [...root.querySelectorAll('body, body *, .odin, .odin *')])
    .filter(
      (element: any, index: number, all: any[]) =>
        all.indexOf(element) === index &&
        !['STYLE', 'CWDB-ACTION', 'SCRIPT'].includes(element.tagName) &&
        isSeen(element),
    );

  if (document.documentElement.scrollWidth > innerWidth)
    faults.add('the page scrolls sideways: ' + document.documentElement.scrollWidth);
  const texts: { rect: any; node: any; element: any }[] = [];
  for (const element of elements) {
    const rect = element.getBoundingClientRect();
    if (rect.width === 0 || rect.height === 0) continue;
    if (rect.left < -0.5 || rect.right > innerWidth + 0.5) faults.add('beyond the screen: ' + nameOf(element));
    const style = getComputedStyle(element);
    if (
      element.localName !== 'input' &&
      style.display !== 'inline' &&
      element.scrollWidth > element.clientWidth + 1 &&
      element.clientWidth > 0
    )
      faults.add('wider than its room: ' + nameOf(element));
    if (
      element.matches('.btn, button, input, .row > summary, details > summary, .press a, .links a') &&
      rect.height < pressable - 0.5
    )
      faults.add('too low to be pressed, ' + rect.height + ': ' + nameOf(element));
    for (const node of element.childNodes) {
      if (node.nodeType !== 3 || node.textContent.trim() === '') continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const piece of range.getClientRects())
        if (piece.width > 1 && piece.height > 1) texts.push({ rect: piece, node, element });
      const ratio = contrast(colourOf(style.color), groundOf(element));
      if (ratio < 4.5) faults.add('contrast ' + ratio.toFixed(2) + ': ' + nameOf(element));
    }
  }
  texts.sort((a, b) => a.rect.top - b.rect.top);
  for (let one = 0; one < texts.length; one += 1) {
    const first = texts[one]!;
    for (let other = one + 1; other < texts.length; other += 1) {
      const second = texts[other]!;
      if (second.rect.top > first.rect.bottom - 3) break;
      if (
        first.node === second.node ||
        first.element.contains(second.element) ||
        second.element.contains(first.element)
      )
        continue;
      const across = Math.min(first.rect.right, second.rect.right) - Math.max(first.rect.left, second.rect.left);
      const down = Math.min(first.rect.bottom, second.rect.bottom) - Math.max(first.rect.top, second.rect.top);
      if (across > 1 && down > 3) faults.add('overlap: ' + nameOf(first.element) + ' and ' + nameOf(second.element));
    }
  }
  return [...faults];

  function colourOf(text: string): number[] {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  }
  /** The colour behind an element; a ground that lets others through is mixed with them. */
  function groundOf(element: any): number[] {
    const layers: number[][] = [];
    for (let at = element; at; at = at.assignedSlot ?? at.parentElement ?? at.getRootNode().host) {
      const layer = colourOf(getComputedStyle(at).backgroundColor);
      if ((layer[3] ?? 0) > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers
      .reverse()
      .reduce(
        (ground, [r = 0, g = 0, b = 0, a = 1]) =>
          [r, g, b].map((channel, index) => channel * a + (ground[index] ?? 255) * (1 - a)),
        [255, 255, 255],
      );
  }
  function contrast(one: number[], other: number[]): number {
    const luminance = (colour: number[]) => {
      const [r = 0, g = 0, b = 0] = colour.slice(0, 3).map((channel) => {
        const value = channel / 255;
        return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }
}
