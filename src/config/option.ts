import type { Secret } from './secret.ts'

/** Where a listener binds. A port of 0 lets the kernel choose. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** What each type of option is in the program. */
export interface ValueTypes {
  /** One line of text. */
  string: string
  secret: Secret
  int: number
  float: number
  bool: boolean
  /** Divided at commas; empty items are left out. */
  list: readonly string[]
  /** One item for each time the option is written, oldest file first. */
  multi: readonly string[]
  address: Address
  /** http or https, without a final slash. */
  url: string
  enum: string
  /** As written; relative paths are for `findFile`. */
  path: string
  /** The source of a regular expression that compiles. */
  regex: string
}

export type OptionType = keyof ValueTypes

/** One option. Defaults are written as in a file and read like one. */
export interface Option {
  readonly type: OptionType
  /** What it means, its edge, and what goes wrong. */
  readonly help: string
  readonly default?: string
  readonly required?: true
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  /** The values of an enum. */
  readonly choices?: readonly string[]
  /** Other spellings of enum values, and the value each stands for. */
  readonly synonyms?: Readonly<Record<string, string>>
  /** For strings: what the whole value must match, and how to say so. */
  readonly pattern?: { readonly source: string; readonly expects: string }
  /** Names that are as good: `name` or `section.name`. */
  readonly also?: readonly string[]
  /** Old names, which give a notice: `name` or `section.name`. */
  readonly deprecated?: readonly string[]
  /** A value that is refused because it is unsafe, and why. */
  readonly refuse?: { readonly value: string; readonly because: string }
  /** An empty value is no absent one: without it less would be checked. */
  readonly notEmpty?: true
  /** A notice given whenever the option is set (to this value, if one is named). */
  readonly notice?: { readonly value?: string; readonly message: string }
  /** SIGHUP takes it from the files anew; any other option needs a restart. */
  readonly live?: true
  /** `auth_section` of the same section moves this option to another section. */
  readonly redirected?: true
}

type Base<O extends Option> = O extends { type: 'enum'; choices: readonly (infer C)[] }
  ? C
  : ValueTypes[O['type']]

/** The value of an option in `Config`: `undefined` only when there is neither a default nor a requirement. */
export type ValueOf<O extends Option> = O extends { default: string } | { required: true }
  ? Base<O>
  : Base<O> | undefined
