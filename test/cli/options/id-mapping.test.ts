import * as assert from 'uvu/assert';
import {readArguments} from '../../../src/cli/arguments/read-arguments.ts';
import {parseUserns, USERNS_FLAGS} from '../../../src/cli/options/id-mapping.ts';
import {describe} from '../../helpers/suite.ts';
import {messageOf} from '../message-of.ts';

describe('cli/options/id-mapping', ({test}) => {
  const parse = (line: string) =>
    parseUserns(readArguments(line.split(' '), USERNS_FLAGS, {commandName: 'winch run'}).values);
  const range = (containerID: number, hostID: number, size: number) => ({containerID, hostID, size});

  test('reads a mode, or mappings, of which one stands for the other', () => {
    assert.is(parse('--userns host'), 'host');
    assert.equal(parse('--userns keep-id:uid=1,gid=2'), {keepId: {uid: 1, gid: 2}});
    assert.equal(parse('--uidmap 0:5:2 --uidmap 7:9'), {
      uids: [range(0, 5, 2), range(7, 9, 1)],
      gids: [range(0, 5, 2), range(7, 9, 1)],
    });
    assert.equal(parse('--uidmap 0:5:2 --gidmap 0:6:2'), {uids: [range(0, 5, 2)], gids: [range(0, 6, 2)]});
    assert.is(parse('--userns='), undefined);
  });

  test('refuses what it does not know, and both at once', () => {
    for (const line of ['--userns auto', '--userns keep-id:size=1', '--uidmap 0:1:2:3', '--gidmap a:b']) {
      assert.match(
        messageOf(() => parse(line)),
        'FLAG_INVALID',
        line,
      );
    }
    assert.match(
      messageOf(() => parse('--userns host --uidmap 0:1')),
      'FLAGS_CONFLICT',
    );
  });
});
