// SPDX-License-Identifier: Apache-2.0
// A model for tests: it asks its client to call the tool `echo` of every server that is offered to
// it, once each, and then says what came back, one result a line. Speaks the protocols of Anthropic
// (Claude Code), OpenAI (OpenCode) and Google (Gemini CLI). Prints its port.
import { createServer } from 'node:http'

const message = (tool) => ({ message: `hello from ${tool}` })
const isEcho = (name) => /(^|[^a-z])echo$/.test(name)

// One answer: the calls that are still to be made, else the results as text.
function answer(tools, called, results) {
  const calls = tools.filter((name) => isEcho(name) && !called.includes(name))
  return called.length === 0 && calls.length > 0
    ? { calls }
    : { text: results.length > 0 ? results.join('\n') : `no echo among ${tools.join(' ')}` }
}

const textOf = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((c) => c.text ?? '').join('')

// ---- Anthropic: POST /v1/messages
function anthropic(body) {
  const blocks = body.messages.flatMap((m) => (Array.isArray(m.content) ? m.content : []))
  const { calls, text } = answer(
    (body.tools ?? []).map((t) => t.name),
    blocks.filter((b) => b.type === 'tool_use').map((b) => b.name),
    blocks.filter((b) => b.type === 'tool_result').map((b) => textOf(b.content)))
  const content = calls
    ? calls.map((name, i) => ({ type: 'tool_use', id: `toolu_${i}`, name, input: message(name) }))
    : [{ type: 'text', text }]
  const whole = { id: 'msg_1', type: 'message', role: 'assistant', model: body.model, content,
    stop_reason: calls ? 'tool_use' : 'end_turn', stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 } }
  if (!body.stream) return { json: whole }
  const events = [{ type: 'message_start',
    message: { ...whole, content: [], stop_reason: null } }]
  content.forEach((block, index) => {
    const isCall = block.type === 'tool_use'
    events.push({ type: 'content_block_start', index,
      content_block: isCall ? { ...block, input: {} } : { type: 'text', text: '' } })
    events.push({ type: 'content_block_delta', index,
      delta: isCall ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
        : { type: 'text_delta', text: block.text } })
    events.push({ type: 'content_block_stop', index })
  })
  events.push({ type: 'message_delta',
    delta: { stop_reason: whole.stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } })
  events.push({ type: 'message_stop' })
  return { stream: events.map((e) => `event: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`) }
}

// ---- OpenAI: POST /v1/chat/completions
function openai(body) {
  const { calls, text } = answer(
    (body.tools ?? []).map((t) => t.function.name),
    body.messages.flatMap((m) => m.tool_calls ?? []).map((c) => c.function.name),
    body.messages.filter((m) => m.role === 'tool').map((m) => textOf(m.content)))
  const said = calls
    ? { role: 'assistant', content: null, tool_calls: calls.map((name, index) => ({ index,
      id: `call_${index}`, type: 'function',
      function: { name, arguments: JSON.stringify(message(name)) } })) }
    : { role: 'assistant', content: text }
  const finish_reason = calls ? 'tool_calls' : 'stop'
  const frame = { id: 'c1', created: 1, model: body.model }
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  if (!body.stream)
    return { json: { ...frame, object: 'chat.completion', usage,
      choices: [{ index: 0, message: said, finish_reason }] } }
  const chunk = (delta, finish) => ({ ...frame, object: 'chat.completion.chunk', usage,
    choices: [{ index: 0, delta, finish_reason: finish }] })
  const chunks = [chunk(said, null), chunk({}, finish_reason)]
  return { stream: [...chunks.map((c) => `data: ${JSON.stringify(c)}\n\n`), 'data: [DONE]\n\n'] }
}

// ---- Google: POST /v1beta/models/MODEL:generateContent or :streamGenerateContent
function google(body, isStream) {
  const parts = (body.contents ?? []).flatMap((c) => c.parts ?? [])
  const { calls, text } = answer(
    (body.tools ?? []).flatMap((t) => t.functionDeclarations ?? []).map((f) => f.name),
    parts.filter((p) => p.functionCall).map((p) => p.functionCall.name),
    parts.filter((p) => p.functionResponse)
      .map((p) => JSON.stringify(p.functionResponse.response)))
  const content = { role: 'model', parts: calls
    ? calls.map((name) => ({ functionCall: { name, args: message(name) } })) : [{ text }] }
  const whole = { candidates: [{ index: 0, content, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } }
  return isStream ? { stream: [`data: ${JSON.stringify(whole)}\r\n\r\n`] } : { json: whole }
}

function respond(path, body) {
  if (path.endsWith('/count_tokens')) return { json: { input_tokens: 1 } }
  if (path.endsWith('/messages')) return anthropic(body)
  if (path.endsWith('/chat/completions')) return openai(body)
  if (path.includes('enerateContent')) return google(body, path.includes(':stream'))
  return undefined
}

const server = createServer((request, response) => {
  const received = []
  request.on('data', (piece) => received.push(piece))
  request.on('end', () => {
    const path = request.url.split('?')[0]
    const text = Buffer.concat(received).toString()
    if (process.env.MODEL_LOG) console.error(request.method, request.url, text.slice(0, 400))
    const said = text ? respond(path, JSON.parse(text)) : undefined
    if (said === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
    } else if (said.json !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said.json))
    } else {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(said.stream.join(''))
    }
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
