import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {inputOf} from '../../fixtures/runtime-spec/cases.ts';
import {formatRuntimeSpec, writeBundleConfig} from '../../src/bundle/create-bundle.ts';
import {createRuntimeConfig} from '../../src/bundle/runtime-config.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/create-bundle', ({test, before, after}) => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'winch-bundle-'));
  });
  after(() => rmSync(directory, {recursive: true}));

  const spec = createRuntimeConfig(inputOf({options: {ulimits: [{name: 'core', soft: 0, hard: -1}]}}));

  test('writes 64-bit limits exactly, where a double would round them', () => {
    assert.match(formatRuntimeSpec(spec), /"hard": 18446744073709551615\n/);
  });

  test('writes config.json for its owner only, and replaces one that is there', () => {
    writeFileSync(join(directory, 'config.json'), 'old', {mode: 0o644});
    writeBundleConfig(directory, spec);
    assert.equal(readdirSync(directory), ['config.json']);
    assert.is(statSync(join(directory, 'config.json')).mode & 0o777, 0o600);
    assert.is(readFileSync(join(directory, 'config.json'), 'utf8'), formatRuntimeSpec(spec));
  });

  test('leaves no half of a file behind when it cannot be put in place', () => {
    const blocked = mkdtempSync(join(directory, 'blocked-'));
    mkdirSync(join(blocked, 'config.json'));
    assert.throws(() => writeBundleConfig(blocked, spec), /EISDIR/);
    assert.equal(readdirSync(blocked), ['config.json']);
  });
});
