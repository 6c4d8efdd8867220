import {execFileSync} from 'node:child_process';

import * as assert from 'uvu/assert';

import {describe} from '../helpers/suite.ts';

const directory = new URL('../../src/oci/', import.meta.url);

/** Every specifier that importing these files of the room resolves. */
function importsOf(...files: readonly string[]): readonly string[] {
  const script = `
    import {registerHooks} from 'node:module';
    const seen = [];
    registerHooks({resolve: (specifier, context, next) => (seen.push(specifier), next(specifier, context))});
    await Promise.all(${JSON.stringify(files.map((file) => new URL(file, directory).href))}.map((url) => import(url)));
    console.log(JSON.stringify(seen));
  `;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', script], {encoding: 'utf8'}));
}

describe('oci start-up', ({test}) => {
  test('loads nothing but its own files for what every run reads', () => {
    const imports = importsOf('reference.ts', 'digest.ts', 'image-config.ts', 'chain-id.ts', 'platform.ts');
    assert.ok(imports.includes('./strict-json.ts'));
    assert.equal(
      imports.filter((specifier) => !/^(?:file:|\.)/.test(specifier)),
      [],
    );
  });
});
