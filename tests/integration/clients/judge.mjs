// SPDX-License-Identifier: Apache-2.0
// Judges files that were written for clients, with parsers and schemas that are not ours:
//   judge.mjs FOLDER/cases.json
// The file lists {client, name, before, after, entries: [{name, url, token}], tidy?}: `before` and
// `after` are texts. Says for each what is wrong, and ends with 1 if anything is.
//   judge.mjs --file CLIENT FILE [NAME=URL...]
// One file as it lies there: it must parse, fit the schema, and hold exactly these of our entries.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const modules = createRequire(join(process.env.THV_CLIENTS, 'package.json'))
const load = async (name) => import(pathToFileURL(modules.resolve(name)).href)
const { default: Ajv } = await load('ajv/dist/2020.js')
const jsonc = modules('jsonc-parser')
const { parse: parseToml } = await load('smol-toml')
const yaml = modules('yaml')

const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
const schemas = new Map()

function schemaOf(client) {
  if (!schemas.has(client)) {
    const text = readFileSync(new URL(`schemas/${client}.json`, import.meta.url), 'utf8')
    const schema = JSON.parse(text)
    schemas.set(client, { valid: ajv.compile(schema), container: Object.keys(schema.properties)[0] })
  }
  return schemas.get(client)
}

const formats = { codex: 'toml', 'mistral-vibe': 'toml', continue: 'yaml', goose: 'yaml' }

function isPlainJson(text) {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

// What the client reads; nothing in an empty file.
function parse(client, raw) {
  const text = raw.replace(/^\ufeff/, '')
  if (formats[client] === 'toml') return parseToml(text)
  if (formats[client] === 'yaml') {
    const document = yaml.parseDocument(text)
    if (document.errors.length > 0) throw new Error(document.errors[0].message)
    return document.toJS() ?? {}
  }
  const errors = []
  const value = jsonc.parse(text, errors, { allowTrailingComma: true, allowEmptyContent: true })
  if (errors.length > 0)
    throw new Error(`${jsonc.printParseErrorCode(errors[0].error)} at ${errors[0].offset}`)
  return value ?? {}
}

const listed = (servers) => Array.isArray(servers)
const find = (servers, name) =>
  listed(servers) ? servers.find((s) => s.name === name) : servers?.[name]
const names = (servers) => (listed(servers) ? servers.map((s) => s.name) : Object.keys(servers ?? {}))

function without(document, container, entries) {
  const rest = structuredClone(document)
  let servers = rest[container]
  if (listed(servers))
    servers = rest[container] = servers.filter((s) => !entries.some((e) => e.name === s.name))
  else for (const e of entries) if (servers) delete servers[e.name]
  // An empty container is no container: it may have been made for our entries.
  if (servers === null || names(servers).length === 0) delete rest[container]
  return rest
}

function findUrl(entry) {
  return entry.url ?? entry.serverUrl ?? entry.httpUrl ?? entry.uri
}

function findAuthorization(entry) {
  const headers = entry.headers ?? entry.http_headers ?? entry.requestOptions?.headers
  return headers?.Authorization
}

function complain(c) {
  const { valid, container } = schemaOf(c.client)
  const complaints = []
  const after = parse(c.client, c.after)
  if (!valid(after))
    complaints.push(...valid.errors.map((e) => `schema: ${e.instancePath} ${e.message}`))
  for (const expected of c.entries) {
    const entry = find(after[container], expected.name)
    if (entry === undefined) {
      complaints.push(`no entry ${expected.name}`)
      continue
    }
    if (findUrl(entry) !== expected.url) complaints.push(`${expected.name}: ${findUrl(entry)}`)
    const wanted = expected.token ? `Bearer ${expected.token}` : undefined
    if (findAuthorization(entry) !== wanted) complaints.push(`${expected.name}: wrong header`)
  }
  if (c.before === undefined) return complaints
  const before = parse(c.client, c.before)
  const [was, is] = [before, after].map((d) => JSON.stringify(without(d, container, c.entries)))
  if (was !== is) complaints.push(`something else has changed: ${was}\n  is now ${is}`)
  if (!formats[c.client] && isPlainJson(c.before) && !isPlainJson(c.after))
    complaints.push('was plain JSON and is no more')
  return complaints
}

function judge(c) {
  let complaints
  try {
    complaints = complain(c)
  } catch (error) {
    complaints = [error.message]
  }
  for (const complaint of complaints) console.log(`${c.name}: ${complaint}`)
  return complaints.length === 0
}

const [first, ...rest] = process.argv.slice(2)
let cases
if (first === '--file') {
  const [client, file, ...expected] = rest
  const entries = expected.map((e) => {
    const at = e.indexOf('=')
    return { name: e.slice(0, at), url: e.slice(at + 1), token: process.env.THV_EXPECTED_TOKEN }
  })
  const after = readFileSync(file, 'utf8')
  cases = [{ client, name: client, after, entries }]
  const ours = names(parse(client, after)[schemaOf(client).container])
  for (const e of entries) if (!ours.includes(e.name)) console.log(`${client}: no ${e.name}`)
} else {
  cases = JSON.parse(readFileSync(first, 'utf8'))
}
const good = cases.filter(judge).length
console.log(`${good} of ${cases.length} files are as they should be`)
process.exitCode = good === cases.length ? 0 : 1
