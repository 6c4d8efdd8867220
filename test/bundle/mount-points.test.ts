import * as assert from 'uvu/assert';
import {inputOf} from '../../fixtures/runtime-spec/cases.ts';
import {listMountPoints} from '../../src/bundle/mount-points.ts';
import {createRuntimeConfig} from '../../src/bundle/runtime-config.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/mount-points', ({test}) => {
  test('asks for a file where a file is bound, and for directories else', () => {
    const mounts = [
      {type: 'bind', source: '/etc/passwd', target: '/in/file', readOnly: true, createSource: false},
      {type: 'bind', source: '/etc', target: '/in/directory', readOnly: true, createSource: false},
      {type: 'bind', source: '/dev/null', target: '/in/device', readOnly: true, createSource: false},
      {type: 'tmpfs', target: '/scratch'},
    ] as const;
    const kinds = Object.fromEntries(
      listMountPoints(createRuntimeConfig(inputOf({options: {mounts}}))).map(({path, kind}) => [path, kind]),
    );
    assert.is(kinds['/in/file'], 'file');
    assert.is(kinds['/in/device'], 'file');
    assert.is(kinds['/in/directory'], 'directory');
    assert.is(kinds['/scratch'], 'directory');
    assert.is(kinds['/proc'], 'directory');
  });
});
