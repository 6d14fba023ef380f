import type { Command } from '../command.ts'
import { CONFIGURATION_OFFERS, leavesOf, type Offer, ownOffers, type Value } from './offers.ts'

/** The completion of zsh, for a file named _cinderguard in one of its fpath. */
export function zshCompletion(commands: Readonly<Record<string, Command>>): string {
  const parents = Object.entries(commands).filter(([, command]) => command.commands !== undefined)
  return `#compdef cinderguard
# Completion of cinderguard for zsh; printed by: cinderguard completion zsh
_cinderguard() {
  local -a configuration commands
  configuration=(
${CONFIGURATION_OFFERS.map((offer) => `    ${specOf(offer)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
${described(commands)}
    return
  fi
  if ((CURRENT == 3)) && [[ $words[2] == help ]]; then
${described(commands)}
    return
  fi
  # The words before the one that is typed, but for help.
  local before="$words[2,CURRENT-1]"
  case \${before#help } in
${parents.map(([word, { commands: inner = {} }]) => `    ${word})\n${described(inner)}\n      return ;;`).join('\n')}
  esac
  case "$words[2] $words[3]" in
${leavesOf(commands)
  .map(({ path, command }) => {
    const pattern = path.length === 1 ? `'${path[0]} '*` : `'${path.join(' ')}'`
    return `    ${pattern})\n      shift ${path.length} words\n      ((CURRENT -= ${path.length}))\n      _arguments ${argumentsOf(command)} ;;`
  })
  .join('\n')}
  esac
}
if [[ $funcstack[1] == _cinderguard ]]; then
  _cinderguard "$@"
else
  compdef _cinderguard cinderguard
fi
`
}

function described(commands: Readonly<Record<string, Command>>): string {
  const rows = Object.entries(commands).map(([word, { summary }]) => quoted(`${word}:${summary}`))
  return `    commands=(\n${rows.map((row) => `      ${row}`).join('\n')}\n    )\n    _describe command commands`
}

function argumentsOf(command: Command): string {
  const own = ownOffers(command).map((offer) => `\\\n        ${specOf(offer)}`)
  const configured = command.configured === true ? [' \\\n        $configuration'] : []
  const { words } = command
  const free =
    words === undefined
      ? []
      : [` \\\n        ${quoted(`*:: :${words === 'files' ? '_files' : `(${words.join(' ')})`}`)}`]
  return [own.join(' '), ...configured, ...free].join('')
}

/** A flag for _arguments, which may be given again, followed by its value or with it after a sign of equality. */
function specOf({ flag, value, help }: Offer): string {
  if (value === 'none') return quoted(`${flag}[${help}]`)
  return quoted(`*${flag}=[${help}]:value:${actionOf(value)}`)
}

function actionOf(value: Exclude<Value, 'none'>): string {
  if (value === 'free') return ' '
  if (typeof value !== 'string') return `(${value.join(' ')})`
  return value === 'file' ? '_files' : '_files -/'
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
