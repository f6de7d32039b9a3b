// SPDX-License-Identifier: Apache-2.0
// Compares two results of conformance: what passes directly must pass through the gateway.
// usage: compare DIRECT THROUGH EXCEPTIONS [--cell NAME]
// Exits 1 on a scenario (or one of its checks) that is worse through the gateway, or that fails
// directly, unless EXCEPTIONS lists it; and on an entry there that is no longer needed. Entries
// with a `cell`, or a list of them, count only when one of those is named.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { folder } from './member/sdk.mjs';

const yaml = createRequire(join(folder, 'package.json'))('yaml');
const { values: { cell }, positionals } =
  parseArgs({ allowPositionals: true, options: { cell: { type: 'string' } } });
if (positionals.length !== 3) {
  console.error('usage: compare DIRECT THROUGH EXCEPTIONS [--cell NAME]');
  process.exit(2);
}
const [direct, through] = positionals.slice(0, 2).map((file) => JSON.parse(readFileSync(file)));
const exceptions = yaml.parse(readFileSync(positionals[2], 'utf8'), { merge: true }) ?? {};

let wrong = 0;
const complain = (text) => {
  ++wrong;
  console.log(text);
};

/** The entries of one part for this suite and cell, by scenario; a malformed one is an error. */
function listed(part) {
  const entries = new Map();
  for (const entry of exceptions[part] ?? []) {
    if (!entry.scenario || !entry.suite || !entry.reason)
      complain(`exceptions: an entry of "${part}" lacks its suite, scenario or reason`);
    const cells = [entry.cell ?? cell].flat();
    if (entry.suite === direct.version && cells.includes(cell))
      entries.set(entry.scenario, entry);
  }
  return entries;
}

if (direct.version !== through.version)
  complain(`different suites: ${direct.version} directly, ${through.version} through`);
for (const [side, run] of Object.entries({ direct, through }))
  if (!run.complete) complain(`the ${side} run did not end`);

const order = ['pass', 'warn', 'fail'];
const failing = listed('direct');
const lost = listed('through');

/** Checks that succeed directly and do not through the gateway. */
function lostChecks(before, after) {
  return Object.entries(before.checks).filter(([id, { status }]) =>
    status === 'SUCCESS' && ['FAILURE', 'WARNING', 'SKIPPED'].includes(after.checks[id]?.status))
    .map(([id]) => `${id} (${after.checks[id].status} ${after.checks[id].error ?? ''})`);
}

for (const [name, before] of Object.entries(direct.scenarios)) {
  const after = through.scenarios[name];
  if (before.result === 'fail') {
    if (!failing.has(name)) complain(`fails directly: ${name}`);
    continue;
  }
  if (failing.has(name)) complain(`listed as failing directly, but passes: ${name}`);
  const checks = after ? lostChecks(before, after) : [];
  const worse = !after || order.indexOf(after.result) > order.indexOf(before.result) ||
    checks.length > 0;
  if (worse && !lost.has(name))
    complain(`worse through the gateway: ${name}: ${before.result} directly, ` +
      `${after?.result ?? 'missing'} through${checks.length ? `; ${checks.join('; ')}` : ''}`);
  if (!worse && lost.has(name)) complain(`listed as failing through, but passes: ${name}`);
}
for (const name of [...failing.keys(), ...lost.keys()])
  if (!direct.scenarios[name]) complain(`the exceptions name a scenario that did not run: ${name}`);
const count = Object.keys(direct.scenarios).length;
console.log(wrong ? `${wrong} wrong of ${count} scenarios` : `${count} scenarios agree`);
process.exit(wrong ? 1 : 0);
