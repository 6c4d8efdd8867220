import {mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {prepareBindSources} from '../../src/bundle/bind-sources.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/bind-sources', ({test, before, after}) => {
  let directory = '';
  before(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'winch-sources-')));
    writeFileSync(join(directory, 'file'), '');
    mkdirSync(join(directory, 'real'));
    symlinkSync('real', join(directory, 'link'));
  });
  after(() => rmSync(directory, {recursive: true}));

  const sourceOf = (name: string, createSource: boolean) => {
    const mount = {type: 'bind', source: join(directory, name), target: '/x', readOnly: false, createSource} as const;
    const [prepared] = prepareBindSources({mounts: [mount]}).mounts ?? [];
    return prepared?.type === 'bind' ? prepared.source : null;
  };

  test('names the source itself instead of a symlink to it', () => {
    assert.is(sourceOf('link', false), join(directory, 'real'));
    assert.is(sourceOf('link/../file', false), join(directory, 'file'));
  });

  test('makes a missing directory only where that is asked', () => {
    assert.is(
      codeOf(() => sourceOf('new/deep', false)),
      'MOUNT_SOURCE_MISSING',
    );
    assert.is(sourceOf('new/deep', true), join(directory, 'new/deep'));
    assert.ok(statSync(join(directory, 'new/deep')).isDirectory());
  });

  test('refuses a source below a file', () => {
    assert.is(
      codeOf(() => sourceOf('file/x', true)),
      'MOUNT_SOURCE_MISSING',
    );
  });

  test('leaves other options and mounts as they are', () => {
    const options = {hostname: 'box', mounts: [{type: 'tmpfs', target: '/t'}]} as const;
    assert.equal(prepareBindSources(options), options);
    assert.equal(prepareBindSources({}), {});
  });
});
