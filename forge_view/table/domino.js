// Dominoes as SVG.

const PIPS = [[], [4], [0, 8], [0, 4, 8], [0, 2, 6, 8], [0, 2, 4, 6, 8], [0, 2, 3, 5, 6, 8]];

/** A domino ("6-4") upright or lying, or its back (null); it is as large as its CSS says, and unnamed for readers. */
export function domino(name, lying = false) {
  const at = (across, along) => lying ? [along, across] : [across, along];
  const line = lying ? "M40 6V34" : "M6 40H34", [x, y] = lying ? [80, 40] : [40, 80];
  const dots = name === null ? "" : name.split("-").map((pips, half) => PIPS[pips].map(place => {
    const [cx, cy] = at(9 + 11 * (place % 3), 40 * half + 9 + 11 * Math.floor(place / 3));
    return `<circle cx="${cx}" cy="${cy}" r="3.9"/>`;
  }).join("")).join("");
  const face = name === null ? `<path class="back" d="M20 ${y / 2}h${x - 40}M${x / 2} 20v${y - 40}"/>` :
    `<path class="line" d="${line}"/><circle class="pin" cx="${x / 2}" cy="${y / 2}" r="2.6"/>${dots}`;
  return `<svg class="domino${name === null ? " down" : ""}${lying ? " lying" : ""}" viewBox="0 0 ${x} ${y}" ` +
    `aria-hidden="true"><rect x=".75" y=".75" width="${x - 1.5}" height="${y - 1.5}" rx="6"/>${face}</svg>`;
}
