import { setAttribute, svg } from './dom.js'

const WIDTH = 120
const HEIGHT = 32

/** A line over time without axes: decoration, the number beside it says it. */
export function sparkline() {
  return svg(
    'svg',
    {
      class: 'spark',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    svg('path', { class: 'area' }),
    svg('path', { class: 'line' }),
  )
}

/** @param points oldest first; @param room how many fill the width */
export function draw(spark, points, room) {
  const most = Math.max(...points, 0)
  const x = (index) => (WIDTH * (room - points.length + index)) / (room - 1)
  const y = (point) => HEIGHT - 1.5 - (most === 0 ? 0 : (point / most) * (HEIGHT - 4))
  const line = points.map((point, index) => `${x(index).toFixed(1)} ${y(point).toFixed(1)}`).join('L')
  const [area, path] = spark.children
  setAttribute(path, 'd', line === '' ? null : `M${line}`)
  const start = x(0).toFixed(1)
  setAttribute(area, 'd', line === '' ? null : `M${start} ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`)
}
