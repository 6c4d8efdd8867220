import * as assert from 'uvu/assert';
import {resolveUser} from '../../src/bundle/user.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const PASSWD = Buffer.from(`root:x:0:0:root:/root:/bin/sh
# daemon:x:9:9::/:
web:x:101:102:Web:/srv/web:/bin/false
1337:x:0:0:trap:/root:/bin/sh
4294967296:x:0:0:trap:/root:/bin/sh
broken:x:abc:0::/:
negative:x:-1:-1::/:
huge:x:4294967295:0::/:
homeless:x:103:103:::
web:x:0:0:second entry::
short:x:104
`);
const GROUP = Buffer.from(`root:x:0:
web:x:102:
adm:x:4:syslog,web,root
audio:x:29:web
55:x:0:web
bad:x:nope:web
staff:x:50:`);
const FILES = {passwd: PASSWD, group: GROUP};
const NONE = {passwd: null, group: null};

const idsOf = (spec: string, groupAdd: string[] = [], files: {passwd: Buffer | null; group: Buffer | null} = FILES) => {
  const {uid, gid, additionalGids} = resolveUser(files, spec, groupAdd);
  return `${uid}:${gid} ${additionalGids}`;
};

describe('bundle/user', ({test}) => {
  for (const spec of ['4294967296', '2147483648', '-1', '+5', '99999999999999999999', '1000:4294967296', 'web:-1']) {
    test(`refuses the id out of range in "${spec}"`, () => {
      assert.is(
        codeOf(() => resolveUser(FILES, spec)),
        'USER_INVALID',
      );
    });
  }

  for (const spec of ['1000:', ':5', ':', 'web:adm:x', 'web::adm']) {
    test(`refuses the malformed "${spec}"`, () => {
      assert.is(
        codeOf(() => resolveUser(FILES, spec)),
        'USER_INVALID',
      );
    });
  }

  test('U05 never takes a number for a name (CVE-2016-3697, CVE-2026-46680)', () => {
    assert.is(idsOf('1337'), '1337:0 0');
    assert.is(idsOf('7', ['55']), '7:0 0,55');
    assert.is(idsOf('00'), '0:0 0,4');
  });

  test('U05 refuses a name that only looks like hexadecimal, as it is no user', () => {
    assert.is(
      codeOf(() => resolveUser(FILES, '0x0')),
      'USER_UNKNOWN',
    );
  });

  test('refuses entries whose ids are no numbers instead of making them root', () => {
    for (const name of ['broken', 'negative', 'huge', 'short']) {
      assert.is(
        codeOf(() => resolveUser(FILES, name)),
        'USER_INVALID',
        name,
      );
    }
    assert.is(
      codeOf(() => resolveUser(FILES, 'web:bad')),
      'USER_INVALID',
    );
  });

  test('U06 finds a name with its groups, the first entry winning', () => {
    assert.equal(resolveUser(FILES, 'web'), {uid: 101, gid: 102, additionalGids: [102, 4, 29, 0], home: '/srv/web'});
  });

  test('finds the groups of a numeric user that the image knows', () => {
    assert.is(idsOf('101'), '101:102 102,4,29,0');
  });

  test('takes no supplementary groups when the group is named', () => {
    assert.is(idsOf('web:staff'), '101:50 50');
    assert.is(idsOf('web:7'), '101:7 7');
    assert.is(idsOf('77:staff'), '77:50 50');
  });

  test('adds groups in any case and each once', () => {
    assert.is(idsOf('web:staff', ['audio', '29', '4', 'web']), '101:50 50,29,4,102');
  });

  test('means root when nothing is named, also without account files', () => {
    assert.equal(resolveUser(FILES, ''), {uid: 0, gid: 0, additionalGids: [0, 4], home: '/root'});
    assert.equal(resolveUser(NONE, ''), {uid: 0, gid: 0, additionalGids: [0], home: '/'});
    assert.equal(resolveUser(NONE, '5:6'), {uid: 5, gid: 6, additionalGids: [6], home: '/'});
  });

  test('falls back to / for an account without a home', () => {
    assert.is(resolveUser(FILES, 'homeless').home, '/');
  });

  test('names what is unknown and where', () => {
    assert.throws(() => resolveUser(FILES, 'nobody'), /user "nobody" is not in the image's \/etc\/passwd$/);
    assert.throws(() => resolveUser(NONE, 'web'), /which it lacks/);
    assert.is(
      codeOf(() => resolveUser(FILES, 'web:nogroup')),
      'USER_UNKNOWN',
    );
    assert.is(
      codeOf(() => resolveUser(FILES, 'web', ['nogroup'])),
      'USER_UNKNOWN',
    );
  });

  test('U06 refuses more groups than the kernel takes', () => {
    const lines = Array.from({length: 100_000}, (_, index) => `g${index}:x:${index + 1}:web\n`);
    assert.is(
      codeOf(() => resolveUser({passwd: PASSWD, group: Buffer.from(lines.join(''))}, 'web')),
      'USER_INVALID',
    );
  });
});
