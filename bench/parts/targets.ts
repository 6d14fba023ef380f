import { table } from './table.ts'

/** A figure that was aimed at, and the one that was measured. */
export interface Target {
  readonly what: string
  readonly aim: 'at least' | 'at most'
  readonly goal: number
  readonly measured: number
  /** Said where it is missed. */
  readonly why?: string
}

/** What was aimed at, as a table below the figures: met or not, and why not. */
export function targets(all: readonly Target[]): string {
  const rows = all.map(({ what, aim, goal, measured, why = 'not explained yet' }) => {
    const isMet = aim === 'at least' ? measured >= goal : measured <= goal
    return [what, `${aim} ${shown(goal)}`, shown(measured), isMet ? 'yes' : `no: ${why}`]
  })
  return `\n\n${table(['target', 'aim', 'measured', 'met'], rows)}`
}

const shown = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString('en-US') : value.toFixed(2)
