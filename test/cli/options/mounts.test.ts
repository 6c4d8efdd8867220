import * as assert from 'uvu/assert';
import type {VolumeMount} from '../../../src/bundle/container-options.ts';
import {parseMount} from '../../../src/cli/options/mount.ts';
import {parseTmpfs} from '../../../src/cli/options/tmpfs.ts';
import {parseVolume, parseVolumesFrom, remarkOnLabels} from '../../../src/cli/options/volume.ts';
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
    ['name:/b', {type: 'volume', source: 'name', target: '/b', readOnly: false}],
    ['name:/b:ro,nocopy', {type: 'volume', source: 'name', target: '/b', readOnly: true, nocopy: true}],
    ['/b', {type: 'volume', target: '/b'}],
  ];
  for (const [text, mount] of good) {
    test(`reads ${text}`, () => assert.equal(parseVolume(text, environment), mount));
  }

  const bad: readonly (readonly [string, string])[] = [
    ['data', 'is not an absolute path below /'],
    ['/a:/b:ro:x', 'is not SOURCE:TARGET'],
    [':/b', 'a source is missing'],
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
  const named = {type: 'volume', source: 'a', target: '/b', readOnly: false};
  const good: readonly (readonly [string, object])[] = [
    ['type=bind,source=/a,target=/b', mount],
    ['type=bind,src=/a,dst=/b,readonly', {...mount, readOnly: true}],
    ['type=bind,src=/a,destination=/b,ro=true,consistency=cached', {...mount, readOnly: true}],
    ['type=bind,src=/a,dst=/b,readonly=false,bind-propagation=shared', {...mount, propagation: 'shared'}],
    ['type=bind,src=/a,dst=/b,bind-nonrecursive', {...mount, recursive: false}],
    ['type=bind,src=/a,dst=/b,bind-recursive=disabled', {...mount, recursive: false}],
    ['type=bind,src=/a,dst=/b,bind-recursive=enabled,readonly=0', mount],
    ['type=bind,src=/a,dst=/b,ro,bind-recursive=writable', {...mount, readOnly: true, submounts: 'writable'}],
    ['type=bind,src=/a,dst=/b,ro,bind-recursive=readonly', {...mount, readOnly: true, submounts: 'readonly'}],
    ['type=bind,src=/a,dst=/b,bind-create-src,rw', {...mount, createSource: true}],
    ['type=bind,src=a,dst=/b', {...mount, source: '/work/here/a'}],
    ['type=bind,"src=/a,b",dst=/b', {...mount, source: '/a,b'}],
    ['type=bind,"src=/a""b",dst=/b', {...mount, source: '/a"b'}],
    ['type=tmpfs,target=/t', {type: 'tmpfs', target: '/t'}],
    ['source=a,target=/b', {type: 'volume', source: 'a', target: '/b', readOnly: false}],
    [
      'type=volume,src=a,dst=/b,volume-nocopy,volume-subpath=x/y,ro',
      {type: 'volume', source: 'a', target: '/b', readOnly: true, nocopy: true, subpath: 'x/y'},
    ],
    ['type=volume,dst=/b', {type: 'volume', target: '/b', readOnly: false}],
    [
      'type=volume,src=a,dst=/b,volume-driver=local,volume-opt=type=tmpfs,"volume-opt=o=size=1m,mode=700"',
      {...named, mounts: {type: 'tmpfs', device: 'tmpfs', options: 'size=1m,mode=700'}},
    ],
    [
      'type=volume,src=a,dst=/b,volume-opt=device=/x,volume-opt=o=bind',
      {...named, mounts: {type: 'none', device: '/x', options: 'bind'}},
    ],
    ['type=image,source=app:1,target=/b', {type: 'image', source: 'app:1', target: '/b', readOnly: true}],
    [
      'type=image,src=app,dst=/b,image-subpath=usr/bin,readwrite',
      {type: 'image', source: 'app', target: '/b', subpath: 'usr/bin', readOnly: false},
    ],
    [
      'type=image,src=app,dst=/b,subpath=a,rw=false',
      {type: 'image', source: 'app', target: '/b', subpath: 'a', readOnly: true},
    ],
    [
      'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770',
      {type: 'tmpfs', target: '/t', sizeBytes: 1_048_576, mode: 0o1770},
    ],
  ];
  for (const [text, expected] of good) {
    test(`reads ${text}`, () => assert.equal(parseMount(text, environment), expected));
  }

  test('reads labels of a volume', () => {
    const mount = parseMount('src=a,dst=/b,volume-label=x=1,volume-label=y', environment);
    assert.equal({...(mount as VolumeMount).labels}, {x: '1', y: ''});
  });

  const bad: readonly (readonly [string, string])[] = [
    ['', 'is not understood'],
    ['type=npipe,source=a,target=/b', '"npipe" is neither bind, volume, image nor tmpfs'],
    ['type=image,target=/b', 'an image mount needs a source'],
    ['source=a,target=/b,volume-driver=nfs', 'there is no volume-driver "nfs"'],
    ['source=a,target=/b,volume-opt=size=1', '"size" is neither type, device nor o'],
    ['source=a,target=/b,volume-opt=type=nfs', 'needs a device'],
    ['type=bind,source=/a,target=/b,subpath=x', 'subpath does not go with type=bind'],
    ['type=bind,source=/a,target=/b,ro,rw', 'readonly does not go with readwrite'],
    ['type=bind,source=/a,target=/b,bind-recursive=often', 'bind-recursive "often" does not exist'],
    ['type=bind,source=/a,target=/b,bind-recursive=readonly', 'says nothing of a mount that is written to'],
    ['type=bind,source=/a,target=/b,volume-nocopy', 'volume-nocopy does not go with type=bind'],
    ['type=volume,source=a,target=/b,tmpfs-size=1m', 'tmpfs-size does not go with type=volume'],
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

describe('cli/options/volumes-from', ({test}) => {
  test('reads a container and how its mounts are mounted', () => {
    assert.equal(parseVolumesFrom('db'), {container: 'db'});
    assert.equal(parseVolumesFrom('db:ro'), {container: 'db', readOnly: true});
    assert.equal(parseVolumesFrom('db:rw'), {container: 'db', readOnly: false});
    for (const text of ['', ':ro', 'db:no', 'db:ro:rw']) {
      assert.match(
        messageOf(() => parseVolumesFrom(text)),
        'is not understood',
      );
    }
  });

  test('a label of SELinux is remarked on, and nothing else', () => {
    const remarks: string[] = [];
    const remark = (text: string) => void remarks.push(text);
    remarkOnLabels({volume: ['/a:/b:ro', 'z:/Z'], 'volumes-from': ['z']}, remark);
    assert.equal(remarks, []);
    remarkOnLabels({volume: ['/a:/b:ro,Z']}, remark);
    remarkOnLabels({'volumes-from': ['db:z']}, remark);
    assert.is(remarks.length, 2);
  });
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
