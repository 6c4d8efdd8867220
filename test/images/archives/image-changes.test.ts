import * as assert from 'uvu/assert';
import {WinchError} from '../../../src/errors.ts';
import {applyChanges} from '../../../src/images/archives/image-changes.ts';
import type {ContainerConfig} from '../../../src/oci/container-config.ts';
import {describe} from '../../helpers/suite.ts';

const GOOD: readonly (readonly [changes: readonly string[], config: ContainerConfig])[] = [
  [['CMD ["sh", "-c"]'], {Cmd: ['sh', '-c']}],
  [['cmd echo "a b"'], {Cmd: ['/bin/sh', '-c', 'echo "a b"']}],
  [['CMD [not json'], {Cmd: ['/bin/sh', '-c', '[not json']}],
  [['ENTRYPOINT ["/init"]', 'ENTRYPOINT []'], {Entrypoint: []}],
  [[`ENV A=1 B="2 \\"3\\"" C='4 $5' D=6\\ 7`], {Env: ['A=1', 'B=2 "3"', 'C=4 $5', 'D=6 7']}],
  [['ENV A one value', 'ENV A=2', 'ENV AB=3'], {Env: ['A=2', 'AB=3']}],
  [['ENV A=b=c D='], {Env: ['A=b=c', 'D=']}],
  [['LABEL a=1 "b c"=2', 'LABEL a=3'], {Labels: {a: '3', 'b c': '2'}}],
  [['EXPOSE 80 53/udp'], {ExposedPorts: {'80/tcp': {}, '53/udp': {}}}],
  [['WORKDIR /a', 'WORKDIR b/../c'], {WorkingDir: '/a/c'}],
  [['WORKDIR x'], {WorkingDir: '/x'}],
  [['USER 1000:1000', 'STOPSIGNAL SIGINT'], {User: '1000:1000', StopSignal: 'SIGINT'}],
  [['VOLUME /a /b', 'VOLUME ["/c d"]'], {Volumes: {'/a': {}, '/b': {}, '/c d': {}}}],
  [['HEALTHCHECK CMD curl -f localhost'], {Healthcheck: {Test: ['CMD-SHELL', 'curl -f localhost']}}],
  [
    ['HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=1h --start-interval=2s --retries=5 cmd ["a", "b"]'],
    {
      Healthcheck: {
        ...{Test: ['CMD', 'a', 'b'], Interval: 90e9, Timeout: 0.5e9, StartPeriod: 3600e9, StartInterval: 2e9},
        Retries: 5,
      },
    },
  ],
  [['HEALTHCHECK CMD a', 'healthcheck none'], {Healthcheck: {Test: ['NONE']}}],
  [[], {}],
];

const BAD = [
  'RUN make',
  'FROM scratch',
  'constructor x',
  'CMD',
  '',
  'ENV =1',
  'ENV A=1 B',
  'LABEL a="b',
  'EXPOSE 80-90',
  'EXPOSE 0',
  'EXPOSE 65536',
  'EXPOSE 80/icmp',
  'HEALTHCHECK curl',
  'HEALTHCHECK CMD',
  'HEALTHCHECK CMD []',
  'HEALTHCHECK --interval=5 CMD a',
  'HEALTHCHECK --retries=x CMD a',
  'HEALTHCHECK --color=5s CMD a',
  'HEALTHCHECK --interval=5s NONE',
];

describe('images/archives/image-changes', ({test}) => {
  for (const [changes, config] of GOOD) {
    test(`reads ${JSON.stringify(changes)}`, () => assert.equal(applyChanges({}, changes), config));
  }

  for (const change of BAD) {
    test(`refuses ${JSON.stringify(change)}`, () => {
      assert.throws(
        () => applyChanges({}, [change]),
        (error: unknown) => error instanceof WinchError && error.code === 'CHANGE_INVALID',
      );
    });
  }
});
