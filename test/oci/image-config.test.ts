import * as assert from 'uvu/assert';

import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {CONFIG_LIMIT_BYTES, checkLayerCount, type ImageConfig, parseImageConfig} from '../../src/oci/image-config.ts';
import {describe} from '../helpers/suite.ts';

const diffId = digestOf(Buffer.from('layer'));
const rootfs = {type: 'layers', diff_ids: [diffId]};
const minimal = {architecture: 'amd64', os: 'linux', rootfs};
const withContainer = (config: unknown) => ({...minimal, config});

const parse = (document: unknown): ImageConfig =>
  parseImageConfig(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)), {
    where: 'config of x:1',
  });

const refused: readonly (readonly [title: string, document: unknown, message: RegExp, code?: string])[] = [
  ['no JSON', 'hello', /not JSON/],
  ['a list', [], /no object/],
  ['null', 'null', /rootfs is missing/],
  ['a key twice', `{"os":"linux","os":"linux","rootfs":${JSON.stringify(rootfs)}}`, /"os" twice/],
  ['a variable list twice', `{"rootfs":${JSON.stringify(rootfs)},"config":{"Env":["A=1"],"Env":[]}}`, /"Env" twice/],
  ['an entrypoint in another case', withContainer({Entrypoint: ['/a'], entrypoint: ['/b']}), /"entrypoint"/],
  ['a config in another case', {...minimal, Config: {}}, /"Config"/],
  ['no rootfs', {architecture: 'amd64', os: 'linux'}, /rootfs is missing/],
  ['a rootfs that is no stack of layers', {...minimal, rootfs: {...rootfs, type: 'squashfs'}}, /not "layers"/],
  ['a rootfs without a type', {...minimal, rootfs: {diff_ids: []}}, /not "layers"/],
  ['diff ids that are no list', {...minimal, rootfs: {type: 'layers', diff_ids: diffId}}, /no list/],
  [
    'a path as a diff id',
    {...minimal, rootfs: {type: 'layers', diff_ids: ['sha256:../x']}},
    /digest/,
    'DIGEST_INVALID',
  ],
  ['a number as an architecture', {...minimal, architecture: 64}, /architecture is no string/],
  ['a config that is a list', withContainer([]), /config is no object/],
  ['a command in one string', withContainer({Cmd: 'sh -c true'}), /Cmd is no list/],
  ['an entrypoint in one string', withContainer({Entrypoint: '/bin/sh'}), /Entrypoint is no list/],
  ['a number in a command', withContainer({Cmd: ['sleep', 1]}), /Cmd\[1\] is no string/],
  ['a NUL in a command', withContainer({Cmd: ['a\0b']}), /NUL/],
  ['variables as an object', withContainer({Env: {A: 'b'}}), /Env is no list/],
  ['a variable without =', withContainer({Env: ['A=1', 'B']}), /Env\[1\] is "B"/],
  ['a variable without a name', withContainer({Env: ['=x']}), /not NAME=value/],
  ['a NUL in a variable', withContainer({Env: ['A=b\0c']}), /NUL/],
  ['a number as a user', withContainer({User: 1000}), /User is no string/],
  ['a NUL in a user', withContainer({User: 'root\0x'}), /NUL/],
  ['a list as a working directory', withContainer({WorkingDir: ['/']}), /WorkingDir is no string/],
  ['a list of volumes', withContainer({Volumes: ['/data']}), /Volumes is no object/],
  ['a list of ports', withContainer({ExposedPorts: ['80/tcp']}), /ExposedPorts is no object/],
  ['a number as a label', withContainer({Labels: {a: 1}}), /Labels has "a"/],
  ['a label __proto__', `{"rootfs":${JSON.stringify(rootfs)},"config":{"Labels":{"__proto__":"x"}}}`, /__proto__/],
  ['a number as a stop signal', withContainer({StopSignal: 9}), /StopSignal is no string/],
  ['a history that is no list', {...minimal, history: {}}, /history is no list/],
  ['a history step that is a string', {...minimal, history: ['RUN x']}, /history\[0\] is no object/],
  ['a string as empty_layer', {...minimal, history: [{empty_layer: 'true'}]}, /neither true nor false/],
  ['4 MiB and a byte', JSON.stringify(minimal).padEnd(CONFIG_LIMIT_BYTES + 1), /larger/, 'CONFIG_TOO_LARGE'],
];

describe('oci/image-config', ({test}) => {
  for (const [title, document, message, code = 'CONFIG_INVALID'] of refused) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => parse(document),
        (error: unknown) =>
          isWinchError(error, code) &&
          error.kind === 'refused' &&
          error.message.startsWith('config of x:1') &&
          message.test(error.message),
      );
    });
  }

  test('reads every member', () => {
    const full = {
      ...minimal,
      variant: 'v3',
      'os.version': '1',
      created: '2026-01-01T00:00:00Z',
      author: 'someone',
      config: {
        Entrypoint: ['/entry'],
        Cmd: ['a', ''],
        Env: ['PATH=/bin', 'EMPTY=', 'LINES=a\nb', 'EQUAL=a=b'],
        WorkingDir: '/work',
        User: '1000:1000',
        ExposedPorts: {'80/tcp': {}, junk: {}},
        Volumes: {'/data': {}},
        Labels: {'org.example': 'x', empty: ''},
        StopSignal: 'SIGFOO',
        Shell: ['/bin/sh', '-c'],
      },
      history: [
        {created: '2026-01-01T00:00:00Z', created_by: 'ADD x', comment: 'c', author: 'a'},
        {created_by: 'CMD', empty_layer: true},
      ],
    };
    assert.equal(parse(full), full);
  });

  test('takes what docker writes for nothing as absent', () => {
    const written = {
      ...minimal,
      author: '',
      history: null,
      container_config: {Cmd: ['x']},
      docker_version: '20.10',
      config: {
        Hostname: '',
        User: '',
        WorkingDir: '',
        Cmd: null,
        Entrypoint: null,
        Env: null,
        Volumes: null,
        ExposedPorts: null,
        Labels: null,
        OnBuild: null,
        Healthcheck: {Test: ['NONE']},
        ArgsEscaped: true,
      },
    };
    assert.equal(parse(written), {...minimal, config: {}});
    assert.equal(parse({...minimal, config: null}), {...minimal, config: {}});
  });

  test('reads an image of no layers', () => {
    assert.equal(parse({...minimal, rootfs: {type: 'layers', diff_ids: null}}).rootfs.diff_ids, []);
    assert.equal(parse({...minimal, rootfs: {type: 'layers'}}).rootfs.diff_ids, []);
  });

  test('reads an image that does not say its platform', () => {
    const {architecture, os} = parse({rootfs});
    assert.equal([architecture, os], ['', '']);
  });

  test('reads 100 000 variables', () => {
    const variables = Array.from({length: 100_000}, (_, at) => `V${at}=${at}`);
    assert.is(parse(withContainer({Env: variables})).config.Env?.length, 100_000);
  });

  test('has a diff id for each layer or is refused', () => {
    const layer = {mediaType: 'a/b', digest: diffId, size: 1};
    checkLayerCount({layers: [layer]}, parse(minimal));
    for (const layers of [[], [layer, layer]]) {
      assert.throws(
        () => checkLayerCount({layers}, parse(minimal)),
        (error: unknown) =>
          isWinchError(error, 'MANIFEST_INVALID') && error.message.includes(`${layers.length} layers`),
      );
    }
  });
});
