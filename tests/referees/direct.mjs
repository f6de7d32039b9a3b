// SPDX-License-Identifier: Apache-2.0
// The referees against the member itself, without a gateway: each suite, each client, each
// transport, both eras. What fails here is no matter of the gateway.
// usage: direct.mjs [--only NAME,...]
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({ options: { only: { type: 'string' } } });
const here = dirname(fileURLToPath(import.meta.url));
const results = mkdtempSync(join(tmpdir(), 'thv-direct-'));
const members = [];

/** Starts a member over HTTP; its URL. */
async function member(era, transport = 'http') {
  const child = spawn(process.execPath,
    [join(here, 'member.mjs'), '--era', era, '--transport', transport],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  members.push(child);
  const [line] = await once(child.stdout, 'data');
  return String(line).trim();
}

/** Runs a script of this folder; throws with its output unless it exits with this status. */
const run = (script, args, status = 0) => new Promise((resolve, reject) => {
  execFile(process.execPath,
    ['--disable-warning=MaxListenersExceededWarning', join(here, script), ...args],
    { timeout: 250_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if ((error?.code ?? 0) === status) resolve(stdout);
      else reject(new Error(`${script} ${args.join(' ')}\n${stdout}${stderr}`));
    });
});

const urls = {
  legacy: await member('legacy'), legacy2: await member('legacy'),
  modern: await member('modern'), modern2: await member('modern'), both: await member('both'),
  sse: await member('legacy', 'sse'), sse2: await member('legacy', 'sse'),
};
const exceptions = join(here, 'exceptions.yml');
const file = (name) => join(results, `${name}.json`);

async function suite(version, url, name) {
  await run('conformance.mjs', ['--version', version, '--url', url, '--out', file(name)]);
  await run('compare.mjs', [file(name), file(name), exceptions]);
}

/** A result in which one check that had passed has failed must not compare as equal. */
async function compareNotices() {
  const worse = JSON.parse(readFileSync(file('legacy')));
  const [scenario] = Object.values(worse.scenarios).filter(({ result }) => result === 'pass');
  Object.values(scenario.checks)[0].status = 'FAILURE';
  writeFileSync(file('worse'), JSON.stringify(worse));
  await run('compare.mjs', [file('legacy'), file('worse'), exceptions], 1);
  delete worse.scenarios.ping;
  writeFileSync(file('worse'), JSON.stringify(worse));
  await run('compare.mjs', [file('legacy'), file('worse'), exceptions], 1);
}

const client = (kind, where) => () => run('clients.mjs', ['--client', kind, ...where]);
const http = (url) => ['--url', url];
const stdio = (era) => ['--', process.execPath, join(here, 'member.mjs'), '--era', era];
const two = (kinds, ...both) => () => run('two_clients.mjs', [...both, '--clients', kinds]);
const inspect = (...args) => () => run('inspector.mjs', args);

const steps = {
  'suite legacy': () => suite('legacy', urls.legacy, 'legacy'),
  'compare notices': compareNotices,
  'suite legacy-next': () => suite('legacy-next', urls.legacy, 'legacy-next'),
  'suite modern': () => suite('modern', urls.modern, 'modern'),
  'suite legacy both eras': () => suite('legacy', urls.both, 'both-legacy'),
  'suite modern both eras': () => suite('modern', urls.both, 'both-modern'),
  'client v1 http': client('v1', http(urls.legacy)),
  'client v1 sse': client('v1', ['--transport', 'sse', '--url', urls.sse]),
  'client v1 stdio': client('v1', stdio('legacy')),
  'client v1 http both eras': client('v1', http(urls.both)),
  'client v1 stdio both eras': client('v1', stdio('both')),
  'client v2-legacy http': client('v2-legacy', http(urls.legacy)),
  'client v2-legacy stdio': client('v2-legacy', stdio('legacy')),
  'client v2-auto legacy http': client('v2-auto', http(urls.legacy)),
  'client v2-auto modern http': client('v2-auto', http(urls.modern)),
  'client v2 http': client('v2', http(urls.modern)),
  'client v2 stdio': client('v2', stdio('modern')),
  'client v2 http both eras': client('v2', http(urls.both)),
  'two clients v1 http': two('v1,v1', urls.legacy, urls.legacy2),
  'two clients v1 sse': two('v1,v1', urls.sse, urls.sse2),
  'two clients v2 http': two('v2,v2', urls.modern, urls.modern2),
  'two clients of two eras': two('v1,v2-auto', urls.both, urls.legacy),
  'inspector http': inspect('--url', urls.legacy),
  'inspector sse': inspect('--transport', 'sse', '--url', urls.sse),
  'inspector modern': inspect('--era', 'modern', '--url', urls.modern),
};

let failed = false;
const chosen = options.only?.split(',') ?? Object.keys(steps);
const unknown = chosen.filter((name) => !steps[name]);
if (unknown.length) {
  console.error(`direct.mjs: no step is called ${unknown}: ${Object.keys(steps).join(', ')}`);
  chosen.length = 0;
  failed = true;
}
for (const name of chosen) {
  const start = performance.now();
  try {
    await steps[name]();
    console.log(`ok ${name} (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    console.error(`FAIL ${name}: ${error.message}`);
    failed = true;
    break;
  }
}
for (const child of members) child.kill();
rmSync(results, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
