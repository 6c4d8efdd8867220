import * as assert from 'uvu/assert';
import {formatResolvConf} from '../../src/network/resolv-conf.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const HOST = `# made by hand
nameserver 10.0.0.2
search example.test
options ndots:2
`;

describe('network/resolv-conf', ({test}) => {
  test('keeps what the host says', () => assert.is(formatResolvConf(HOST, {}), HOST));

  test('replaces each part for itself', () => {
    assert.is(
      formatResolvConf(HOST, {servers: ['1.1.1.1', 'fd00::53']}),
      '# made by hand\nsearch example.test\noptions ndots:2\nnameserver 1.1.1.1\nnameserver fd00::53\n',
    );
    assert.is(
      formatResolvConf(`${HOST}domain old.test`, {search: ['a.test', 'b.test'], options: []}),
      '# made by hand\nnameserver 10.0.0.2\nsearch a.test b.test\n',
    );
  });

  test('refuses words that would not be one word of their line', () => {
    for (const dns of [
      {servers: ['dns.test']},
      {servers: ['1.1.1.1\nx']},
      {search: ['a b']},
      {options: ['a\nb']},
      {search: ['']},
    ]) {
      assert.is(
        codeOf(() => formatResolvConf('', dns)),
        'NETWORK_INVALID',
      );
    }
  });
});
