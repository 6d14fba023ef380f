#!/usr/bin/env node
// Starts cinderguard on a supported Node: this one if it is, else the one of the npm package `node`.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = join(root, 'dist', 'main.js')
// A checkout runs its sources; a packed release has no src and runs what was built of them.
const main = existsSync(join(root, 'src', 'main.ts')) ? join(root, 'src', 'main.ts') : built

// What was compiled once is kept beside the packages, where whoever runs this may write there: starts take half as long.
// Not in the folder for temporary files, which is everybody's.
module.enableCompileCache?.(join(root, 'node_modules', '.cache', 'cinderguard'))

if (Number(process.versions.node.split('.')[0]) >= 24) {
  const { run } = await import(pathToFileURL(main).href)
  process.exitCode = await run(process.argv.slice(2))
} else {
  const runtime = findRuntime()
  if (runtime === null) {
    process.stderr.write(
      `cinderguard needs Node 24 or newer, and this is ${process.version}. Install one, or run \`npm install node@24\` beside it.\n`,
    )
    process.exit(1)
  }
  const child = spawn(runtime, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
}

function findRuntime() {
  try {
    const home = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const binary = join(home, 'bin', 'node')
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}
