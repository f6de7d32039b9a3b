// SPDX-License-Identifier: Apache-2.0
// The official SDKs, from the folder that tests/referees/setup fills: $THV_REFEREES or its default.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const folder = process.env.THV_REFEREES ||
  join(here, '../../../build/test-engines/npm-referees');
const require = createRequire(join(folder, 'package.json'));

/** A module of a package there; each SDK is loaded only when asked for. */
export const load = (name) => require(name);
