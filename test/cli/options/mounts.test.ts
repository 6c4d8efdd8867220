import * as assert from 'uvu/assert';
import {parseMount} from '../../../src/cli/options/mount.ts';
import {parseTmpfs} from '../../../src/cli/options/tmpfs.ts';
import {parseVolume} from '../../../src/cli/options/volume.ts';
import {describe} from '../../helpers/suite.ts';
import {environmentOf} from '../environment-of.ts';
import {messageOf} from '../message-of.ts';

const environment = environmentOf();
const bind = {type: 'bind', source: '/a', target: '/b', readOnly: false, createSource: true} as const;

describe('cli/options/volume', ({test}) => {
  const good: readonly (readonly [string, object])[] = [
    ['/a:/b', bind],
    ['/a:/b:ro', {...bind, readOnly: true}],
    ['/a:/b:rw', bind],
    ['/a:/b:z', bind],
    ['/a:/b:ro,Z,rslave', {...bind, readOnly: true, propagation: 'rslave'}],
    ['/a/:/b/', bind],
    ['/x/../a:/b/./', bind],
    ['./a:/b', {...bind, source: '/work/here/a'}],
    ['.:/b', {...bind, source: '/work/here'}],
    ['..:/b', {...bind, source: '/work'}],
  ];
  for (const [text, mount] of good) {
    test(`reads ${text}`, () => assert.equal(parseVolume(text, environment), mount));
  }

  const bad: readonly (readonly [string, string])[] = [
    ['/data', '--tmpfs for scratch space'],
    ['/a:/b:ro:x', 'is not SOURCE:TARGET'],
    ['name:/b', 'named volumes do not exist yet'],
    [':/b', 'is not a path'],
    ['/a:b', 'is not an absolute path below /'],
    ['/a:/', 'is not an absolute path below /'],
    ['/a:/b/..', 'is not an absolute path below /'],
    ['/a:/b:no', '"no" is no mount option'],
  ];
  for (const [text, problem] of bad) {
    test(`refuses ${text}`, () =>
      assert.match(
        messageOf(() => parseVolume(text, environment)),
        problem,
      ));
  }

  test('asks for the working directory only when a path needs it', () => {
    const gone = environmentOf({
      workingDirectory: () => {
        throw new Error('asked');
      },
    });
    assert.equal(parseVolume('/a:/b', gone), bind);
  });
});

describe('cli/options/mount', ({test}) => {
  const mount = {...bind, createSource: false};
  const good: readonly (readonly [string, object])[] = [
    ['type=bind,source=/a,target=/b', mount],
    ['type=bind,src=/a,dst=/b,readonly', {...mount, readOnly: true}],
    ['type=bind,src=/a,destination=/b,ro=true,consistency=cached', {...mount, readOnly: true}],
    ['type=bind,src=/a,dst=/b,readonly=false,bind-propagation=shared', {...mount, propagation: 'shared'}],
    ['type=bind,src=/a,dst=/b,bind-nonrecursive', {...mount, recursive: false}],
    ['type=bind,src=a,dst=/b', {...mount, source: '/work/here/a'}],
    ['type=bind,"src=/a,b",dst=/b', {...mount, source: '/a,b'}],
    ['type=bind,"src=/a""b",dst=/b', {...mount, source: '/a"b'}],
    ['type=tmpfs,target=/t', {type: 'tmpfs', target: '/t'}],
    [
      'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770',
      {type: 'tmpfs', target: '/t', sizeBytes: 1_048_576, mode: 0o1770},
    ],
  ];
  for (const [text, expected] of good) {
    test(`reads ${text}`, () => assert.equal(parseMount(text, environment), expected));
  }

  const bad: readonly (readonly [string, string])[] = [
    ['', 'is not understood'],
    ['source=/a,target=/b', 'is neither bind nor tmpfs'],
    ['type=volume,source=a,target=/b', '"volume" is neither bind nor tmpfs'],
    ['type=bind,target=/b', 'needs a source'],
    ['type=bind,source=/a', 'is not an absolute path below /'],
    ['type=bind,source,target=/b', 'source needs a value'],
    ['type=bind,source=/a,target=/b,mode=1', '"mode=1" is not understood'],
    ['type=bind,source=/a,target=/b,ro=maybe', 'neither true nor false'],
    ['type=bind,source=/a,target=/b,bind-propagation=x', 'does not exist'],
    ['type=tmpfs,source=/a,target=/b', 'a tmpfs has no source'],
    ['type=tmpfs,target=/b,tmpfs-mode=9', 'is not an octal mode'],
    ['type=tmpfs,target=/b,tmpfs-size=x', 'is not a size'],
  ];
  for (const [text, problem] of bad) {
    test(`refuses "${text}"`, () =>
      assert.match(
        messageOf(() => parseMount(text, environment)),
        problem,
      ));
  }
});

describe('cli/options/tmpfs', ({test}) => {
  test('reads a target alone', () => assert.equal(parseTmpfs('/t'), {type: 'tmpfs', target: '/t'}));

  test('reads size, mode and further options', () => {
    assert.equal(parseTmpfs('/t:rw,size=64m,mode=1777,noexec,nosuid'), {
      type: 'tmpfs',
      target: '/t',
      sizeBytes: 64 * 1024 ** 2,
      mode: 0o1777,
      options: ['noexec', 'nosuid'],
    });
    assert.equal(parseTmpfs('/t:ro'), {type: 'tmpfs', target: '/t', readOnly: true});
  });

  test('refuses bad targets and values', () => {
    assert.match(
      messageOf(() => parseTmpfs('t')),
      'is not an absolute path',
    );
    assert.match(
      messageOf(() => parseTmpfs('/t:size=x')),
      '--tmpfs size: "x" is not a size',
    );
    assert.match(
      messageOf(() => parseTmpfs('/t:mode=x')),
      '"x" is not an octal mode',
    );
  });
});
