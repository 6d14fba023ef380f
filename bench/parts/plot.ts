/** A line chart in Mermaid, which GitHub and GitLab draw; `points` are [label on the x axis, value]. */
export function plot(
  title: string,
  x: string,
  y: string,
  points: readonly (readonly [string, number])[],
): string {
  const top = Math.max(...points.map(([, value]) => value))
  return [
    '```mermaid',
    'xychart-beta',
    `    title "${title}"`,
    `    x-axis "${x}" [${points.map(([label]) => `"${label}"`).join(', ')}]`,
    `    y-axis "${y}" 0 --> ${Number((top * 1.1).toPrecision(2))}`,
    `    line [${points.map(([, value]) => Number(value.toPrecision(3))).join(', ')}]`,
    '```',
  ].join('\n')
}
