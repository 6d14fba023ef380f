// The stand-in Keystone, Nova and Cinder, and a token: `node bench/peers/cloud.ts`.
import { startCloud } from '../../src/demo/cloud.ts'
import { PROJECTS } from '../../src/demo/fixture.ts'

const cloud = await startCloud()
process.stdout.write(
  `${JSON.stringify({ ...cloud.urls, token: cloud.token('alice'), project: PROJECTS.demo })}\n`,
)
