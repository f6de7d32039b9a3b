// SPDX-License-Identifier: Apache-2.0
// Runs the server scenarios of a conformance suite against a URL.
// usage: conformance --version legacy|legacy-next|modern --url URL [--out FILE] [--scenario NAME]
//   legacy       suite 0.1.16, all scenarios
//   legacy-next  suite 0.2.0-alpha.12, what revision 2025-11-25 requires
//   modern       suite 0.2.0-alpha.12, what revision 2026-07-28 requires
// Prints one sorted line for each scenario (pass, warn or fail, and its name); FILE gets the
// results of every check as JSON, for compare. Exits 1 if the suite itself did not run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { folder } from './member/sdk.mjs';

const suites = {
  legacy: { name: 'conformance-legacy', choose: ['--suite', 'all'] },
  'legacy-next': { name: 'conformance-modern', choose: ['--requirements', '2025-11-25'] },
  modern: { name: 'conformance-modern', choose: ['--requirements', '2026-07-28'] },
};
const { values: options } = parseArgs({
  options: {
    version: { type: 'string' }, url: { type: 'string' }, out: { type: 'string' },
    scenario: { type: 'string' },
  },
});
const suite = suites[options.version];
if (!suite || !options.url) {
  console.error('usage: conformance --version legacy|legacy-next|modern --url URL [--out FILE] ' +
    '[--scenario NAME]');
  process.exit(2);
}

const results = mkdtempSync(join(tmpdir(), 'thv-conformance-'));
const choose = options.scenario ? ['--scenario', options.scenario] : suite.choose;
if (options.scenario && options.version !== 'legacy')
  choose.push('--spec-version', suite.choose[1]);
const run = spawnSync(process.execPath,
  [join(folder, 'node_modules', suite.name, 'dist/index.js'), 'server', '--url', options.url,
    ...choose, '-o', results],
  { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 240_000, cwd: results });

const rank = ['SUCCESS', 'INFO', 'SKIPPED', 'WARNING', 'FAILURE'];
const worse = (a, b) => (rank.indexOf(a) > rank.indexOf(b) ? a : b);

function judge(checks) {
  const found = {};
  for (const { id, status, errorMessage } of checks) {
    const before = found[id]?.status ?? 'SUCCESS';
    const now = worse(before, status);
    found[id] = { status: now, ...(now === status && errorMessage ? { error: errorMessage } : {}) };
  }
  const worst = checks.map((check) => check.status).reduce(worse, 'SUCCESS');
  const result = { FAILURE: 'fail', WARNING: 'warn' }[worst] ?? 'pass';
  return { result, checks: found };
}

const scenarios = {};
for (const entry of readdirSync(results)) {
  const name = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(entry)?.[1];
  const file = join(results, entry, 'checks.json');
  if (name && existsSync(file)) scenarios[name] = judge(JSON.parse(readFileSync(file, 'utf8')));
}
// A scenario that threw has no file; the suite's own summary names it.
for (const [, name] of run.stdout.matchAll(/^✗ ([^:\s]+):/gm))
  scenarios[name] ??= { result: 'fail', checks: { [name]: { status: 'FAILURE' } } };
for (const [, name] of run.stderr.matchAll(/^Failed to run scenario ([^:\s]+):/gm))
  scenarios[name] = { result: 'fail', checks: { [name]: { status: 'FAILURE' } } };
rmSync(results, { recursive: true, force: true });

const names = Object.keys(scenarios).sort();
const complete = run.error === undefined && run.signal === null && names.length > 0;
for (const name of names) {
  console.log(`${scenarios[name].result} ${name}`);
  for (const [id, { status, error }] of Object.entries(scenarios[name].checks))
    if (['FAILURE', 'WARNING'].includes(status)) console.log(`  ${status} ${id}: ${error ?? ''}`);
}
if (options.out) {
  const sorted = Object.fromEntries(names.map((name) => [name, scenarios[name]]));
  writeFileSync(options.out, `${JSON.stringify(
    { version: options.version, url: options.url, complete, scenarios: sorted }, null, 1)}\n`);
}
if (!complete) {
  console.error(`the suite did not run to its end: ${run.error ?? run.signal ?? 'no scenarios'}`);
  console.error(run.stderr.slice(-2000) || run.stdout.slice(-2000));
  process.exit(1);
}
