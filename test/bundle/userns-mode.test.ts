import * as assert from 'uvu/assert';
import {formatIdMappings, formatUsernsMode, readUsernsMode} from '../../src/bundle/userns-mode.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/userns-mode', ({test}) => {
  test('reads modes, and writes them as they were', () => {
    const modes = {
      host: 'host',
      'keep-id': {keepId: {}},
      'keep-id:uid=5': {keepId: {uid: 5}},
      'keep-id:uid=5,gid=6': {keepId: {uid: 5, gid: 6}},
    } as const;
    for (const [text, mode] of Object.entries(modes)) {
      assert.equal(readUsernsMode(text), mode, text);
      assert.is(formatUsernsMode(readUsernsMode(text) ?? undefined), text);
    }
    assert.is(readUsernsMode(''), undefined);
    assert.is(formatUsernsMode(undefined), '');
  });

  test('understands nothing else', () => {
    const others = [
      'auto',
      'private',
      'nomap',
      'keep-id:',
      'keep-id:uid',
      'keep-id:size=5',
      'keep-id:uid=-1',
      'keep-id:uid=1,',
    ];
    for (const text of [...others, 'keep-id:uid=99999999999', 'Host']) assert.is(readUsernsMode(text), null, text);
  });

  test('writes mappings as podman does', () => {
    const range = (hostID: number) => [{containerID: 0, hostID, size: 10}];
    const mappings = {uids: range(100), gids: range(200)};
    assert.is(formatUsernsMode(mappings), 'private');
    assert.equal(formatIdMappings(mappings), {UidMap: ['0:100:10'], GidMap: ['0:200:10']});
  });
});
