import type { CatalogEntry } from '../clouds/session.ts'

const TYPES = ['volumev3', 'volumev2', 'block-storage', 'block-store', 'volume']

/** The catalogue's endpoints of Cinder, by any of its names. */
export function blockStorageOf(
  catalog: readonly CatalogEntry[],
): readonly CatalogEntry['endpoints'][number][] {
  return catalog.filter(({ type }) => TYPES.includes(type)).flatMap(({ endpoints }) => endpoints)
}
