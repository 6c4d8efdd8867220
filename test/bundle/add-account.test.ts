import * as assert from 'uvu/assert';
import {addAccount} from '../../src/bundle/add-account.ts';
import {describe} from '../helpers/suite.ts';

const PASSWD = Buffer.from('root:x:0:0::/root:/bin/sh\nuser:x:1:1::/:/bin/sh');
const GROUP = Buffer.from('root:x:0:\n');

describe('bundle/add-account', ({test}) => {
  test('gives a user that an image does not know a name, and its group', () => {
    assert.equal(addAccount({passwd: PASSWD, group: GROUP}, {name: 'ann', uid: 1000, gid: 1001}), {
      passwd: `${PASSWD}\nann:x:1000:1001::/:/bin/sh\n`,
      group: `${GROUP}ann:x:1001:\n`,
    });
  });

  test('leaves what the image has', () => {
    assert.equal(addAccount({passwd: PASSWD, group: GROUP}, {name: 'ann', uid: 1, gid: 0}), {
      passwd: null,
      group: null,
    });
  });

  test('makes the files of an image that has none', () => {
    assert.equal(addAccount({passwd: null, group: null}, {name: null, uid: 7, gid: 8}), {
      passwd: 'user:x:7:8::/:/bin/sh\n',
      group: 'user:x:8:\n',
    });
  });

  test('takes another name where somebody else has it', () => {
    assert.match(
      addAccount({passwd: PASSWD, group: GROUP}, {name: 'root', uid: 5, gid: 5}).passwd ?? '',
      /^user5:x:5:5:/m,
    );
    assert.match(addAccount({passwd: PASSWD, group: GROUP}, {name: 'root', uid: 5, gid: 5}).group ?? '', /^user:x:5:/m);
  });

  test('keeps bytes that are no text', () => {
    const passwd = Buffer.from('a\xff:x:1:1::/:/bin/sh\n', 'latin1');
    const {passwd: added} = addAccount({passwd, group: null}, {name: 'ann', uid: 9, gid: 9});
    assert.ok(
      Buffer.from(added ?? '', 'latin1')
        .subarray(0, passwd.length)
        .equals(passwd),
    );
  });
});
