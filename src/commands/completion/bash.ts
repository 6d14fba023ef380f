import type { Command } from '../command.ts'
import { CONFIGURATION_OFFERS, leavesOf, type Offer, ownOffers } from './offers.ts'

/** The completion of bash 4 and newer, without the package bash-completion. */
export function bashCompletion(commands: Readonly<Record<string, Command>>): string {
  const leaves = leavesOf(commands)
  const parents = Object.entries(commands).filter(([, command]) => command.commands !== undefined)
  const offers = [...leaves.flatMap(({ command }) => ownOffers(command)), ...CONFIGURATION_OFFERS]
  const flagsOf = (command: Command): string => {
    const own = ownOffers(command).map(({ flag }) => flag)
    return `${own.join(' ')}${command.configured === true ? ' $configuration' : ''}`
  }
  return `# Completion of cinderguard for bash; printed by: cinderguard completion bash
_cinderguard() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} flags='' words='' files=''
  local configuration='${CONFIGURATION_OFFERS.map(({ flag }) => flag).join(' ')}'
  COMPREPLY=()
  # --flag=value comes in three words.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if ((COMP_CWORD > 1)); then
    case $prev in
${cases(offers)}
    esac
  fi
  case "$COMP_CWORD \${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
    '1 '*) words='${Object.keys(commands).join(' ')}' flags='--help --version' ;;
    '2 help '*) words='${Object.keys(commands).join(' ')}' ;;
${parents
  .map(
    ([word, { commands: inner = {} }]) =>
      `    '2 ${word} '* | '3 help ${word}'*) words='${Object.keys(inner).join(' ')}' flags='--help' ;;`,
  )
  .join('\n')}
${leaves.map(({ path, command }) => `    *' ${path.join(' ')}'${path.length === 1 ? "' '*" : ''}) ${settings(command, flagsOf(command))} ;;`).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  elif [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  fi
}
complete -F _cinderguard cinderguard
`
}

function settings({ words }: Command, flags: string): string {
  const said = words === undefined ? '' : words === 'files' ? ' files=yes' : ` words='${words.join(' ')}'`
  return `flags="${flags}"${said}`
}

/** What follows each flag. A flag means the same wherever it stands. */
function cases(offers: readonly Offer[]): string {
  const byAction = new Map<string, Set<string>>()
  for (const { flag, value } of offers) {
    if (value === 'none') continue
    const action = actionOf(value)
    byAction.set(action, (byAction.get(action) ?? new Set()).add(flag))
  }
  return [...byAction]
    .map(([action, flags]) => `      ${[...flags].join(' | ')})\n        ${action}\n        return ;;`)
    .join('\n')
}

function actionOf(value: Exclude<Offer['value'], 'none'>): string {
  if (value === 'free') return ':'
  if (typeof value !== 'string') return `mapfile -t COMPREPLY < <(compgen -W '${value.join(' ')}' -- "$cur")`
  const kind = value === 'file' ? '-f' : '-d'
  return `compopt -o filenames 2>/dev/null\n        mapfile -t COMPREPLY < <(compgen ${kind} -- "$cur")`
}
