// `npm test`: sets a fresh machine up, then runs every check and every test.
import {build, ensureDependencies, ensurePrograms, PACKAGES, run} from '../fixtures/setup.js';

ensureDependencies();
// Tests that need a program which is missing say so and are counted as skipped.
ensurePrograms(Object.keys(PACKAGES));
run('biome', ['check', '.']);
run('tsc', ['--noEmit', '-p', '.']);
build();
run('node', ['test/run.ts', ...process.argv.slice(2)]);
