// SPDX-License-Identifier: Apache-2.0
// Codex as an editor drives it, which needs no model: `codex.mjs CODEX` prints a line for each tool
// of each server that Codex reaches, and calls each tool `echo`.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const codex = spawn(process.argv[2], ['app-server'], { stdio: ['pipe', 'pipe', 'ignore'] })
const waiting = new Map()
let last = 0

const send = (m) => codex.stdin.write(JSON.stringify(m) + '\n')

function ask(method, params) {
  const id = ++last
  send({ id, method, params })
  return new Promise((done, failed) => waiting.set(id, { done, failed }))
}

createInterface({ input: codex.stdout }).on('line', (line) => {
  const { id, result, error } = JSON.parse(line)
  const asked = waiting.get(id)
  if (error) asked?.failed(new Error(error.message))
  else asked?.done(result)
})
codex.on('exit', () => waiting.forEach(({ failed }) => failed(new Error('codex has ended'))))

await ask('initialize', { clientInfo: { name: 'test', version: '1' } })
send({ method: 'initialized' })
const { data } = await ask('mcpServerStatus/list', {})
const { thread } = await ask('thread/start', { cwd: process.cwd(), approvalPolicy: 'never' })
for (const server of data)
  for (const tool of Object.keys(server.tools).sort()) {
    console.log(`${server.name} has ${tool}`)
    if (tool !== 'echo') continue
    const { content } = await ask('mcpServer/tool/call', { threadId: thread.id,
      server: server.name, tool, arguments: { message: `hello from ${server.name}` } })
    console.log(content.map((c) => c.text).join(''))
  }
waiting.clear()
codex.stdin.end()
