/** WCAG contrast of every text on a page, from the styles that the browser computed. Runs inside the page. */

export interface LowContrast {
  readonly text: string;
  readonly ratio: number;
}

/** WCAG AA for text of normal size. */
const AA_RATIO = 4.5;

/**
 * Walks all visible text, in open shadow roots too, and compares its colour with the first opaque background behind it.
 * Colours are painted on a canvas to have them as sRGB whatever notation they were computed to.
 */
export const LOW_CONTRAST_SCRIPT = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;
  const backgroundOf = (element) => {
    for (let at = element; at; at = parentOf(at)) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  const visit = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) visit(element.shadowRoot);
      const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
      const box = element.getBoundingClientRect();
      if (text === '' || box.width < 2 || box.height < 2 || element.closest('[aria-hidden=true], :disabled')) continue;
      if (!element.checkVisibility()) continue;
      const [light, dark] = [luminance(rgba(getComputedStyle(element).color)), luminance(backgroundOf(element))]
        .toSorted((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < ${AA_RATIO}) found.push({ text, ratio });
    }
  };
  visit(document);
  return found;
})()`;
