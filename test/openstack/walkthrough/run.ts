// `npm run walkthrough [-- PICTURE.png]`: prints each step of an adoption on a real OpenStack; exits 1 when one failed.
import { startLab } from '../lab/lab.ts'
import { walk } from './walk.ts'

const lab = await startLab({ cinders: ['legacy', 'fixed'] })
let step = 0
try {
  const arrived = await walk(
    lab,
    ({ title, text }) => {
      step += 1
      process.stdout.write(`\n${step}. ${title}\n${text.replaceAll(/^/gm, '   ')}\n`)
    },
    process.argv[2] ?? null,
  )
  const isSwitched = arrived.attack === 409 && arrived.attackObserved === 202
  const isGood = isSwitched && arrived.secondReport === 0 && arrived.alerts.length > 0
  process.exitCode = isGood ? 0 : 1
} finally {
  await lab.stop()
}
