import { readFileSync, writeFileSync } from 'node:fs'

/**
 * What a script that makes a file of the repository does: with `--write` it writes the text, else it ends with exit
 * code 1 when the file says something else.
 *
 * @param name of the file, from the root of the project
 * @param script the script's own name, from there
 */
export function keepGenerated(name: string, text: string, script: string): void {
  const path = new URL(`../${name}`, import.meta.url)
  if (process.argv.includes('--write')) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`${name} is out of date: node ${script} --write\n`)
    process.exitCode = 1
  }
}

/** Text for a cell of a Markdown table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
