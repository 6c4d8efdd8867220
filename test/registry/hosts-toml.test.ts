import * as assert from 'node:assert/strict';
import type {HostWarning} from '../../src/registry/host-plan.ts';
import {type HostsToml, parseHostsToml} from '../../src/registry/hosts-toml.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf} from './with-registry.ts';

const FILE = '/etc/containerd/certs.d/docker.io/hosts.toml';

async function parse(text: string): Promise<HostsToml & {readonly warnings: readonly HostWarning[]}> {
  const warnings: HostWarning[] = [];
  const hosts = await parseHostsToml(Buffer.from(text), {file: FILE, warn: (warning) => warnings.push(warning)});
  return {...hosts, warnings};
}

describe('registry/hosts-toml', ({test}) => {
  test('reads hosts in their order, and the server', async () => {
    const {hosts, server, warnings} = await parse(`
      server = "https://registry-1.docker.io"
      [host."https://z.example"]
      capabilities = ["pull"]
      ca = "mirror.crt"
      [host."http://a.example:5000/base"]
      capabilities = ["Pull", "resolve"]
      skip_verify = true
      client = [["c.cert", "/k/c.key"], ["d.pem", ""]]
      [host."http://a.example:5000/base".header]
      x-one = "1"
      X-Two = ["a", "b"]
      [host."https://o.example/api/oci"]
      override_path = true`);
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      hosts.map(({origin, apiPath}) => [origin?.origin, apiPath]),
      [
        ['https://z.example', '/v2'],
        ['http://a.example:5000', '/base/v2'],
        ['https://o.example', '/api/oci'],
      ],
    );
    const [z, a] = hosts;
    assert.deepEqual(z?.capabilities, ['pull']);
    assert.deepEqual(z?.authorities, ['/etc/containerd/certs.d/docker.io/mirror.crt']);
    assert.equal(a?.skipsVerification, true);
    assert.deepEqual(a?.client, {certificate: '/etc/containerd/certs.d/docker.io/c.cert', key: '/k/c.key'});
    assert.deepEqual(a?.headers, {'x-one': '1', 'x-two': 'a, b'});
    assert.equal(server.origin?.host, 'registry-1.docker.io');
    assert.deepEqual(server.capabilities, ['pull', 'resolve', 'push']);
  });

  test('leaves the server to winch where the file names none', async () => {
    const {server} = await parse('ca = ["/a.crt", "b.crt"]\nclient = "c.pem"');
    assert.equal(server.origin, null);
    assert.deepEqual(server.authorities, ['/a.crt', '/etc/containerd/certs.d/docker.io/b.crt']);
    const client = '/etc/containerd/certs.d/docker.io/c.pem';
    assert.deepEqual(server.client, {certificate: client, key: client});
  });

  test('tells of keys in a wrong table, and of what is not supported', async () => {
    const {warnings} = await parse(`
      [host."https://m.example"]
      server = "https://m.example"
      skip-verify = true
      dial_timeout = "1s"
      proxy = "http://p:1"
      [hosts."https://n.example"]
      capabilities = ["pull"]`);
    const text = warnings.map(({code, message}) => `${code} ${message}`).join('\n');
    assert.equal(warnings.length, 5, text);
    assert.match(text, /SETTING_UNKNOWN .*"server" .* belongs to the top of the file/);
    assert.match(text, /SETTING_UNKNOWN .*"skip-verify" .* did you mean "skip_verify"/);
    assert.match(text, /SETTING_UNKNOWN .*"hosts" .* did you mean "host"/);
    assert.match(text, /SETTING_UNSUPPORTED .*"dial_timeout"/);
    assert.match(text, /SETTING_UNSUPPORTED .*"proxy"/);
  });

  test('refuses what it cannot follow, and says where', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['server = 1', /"server" of the top of the file has to be a text/],
      ['server = "ftp://x"', /HTTP or HTTPS/],
      ['server = "https://u:p@x"', /without a login/],
      ['[host]\n"https://x" = "y"', /"host" .* tables/],
      ['[host.""]', /"host" .* tables/],
      ['[host."https://x"]\ncapabilities = ["delete"]', /"pull", "resolve" and "push"/],
      ['[host."https://x"]\ncapabilities = "pull"', /a list of texts/],
      ['[host."https://x"]\nca = 5', /a path or a list of paths/],
      ['[host."https://x"]\nclient = [["a", "b", "c"]]', /pairs of certificate and key/],
      ['[host."https://x"]\n[host."https://x".header]\n"a b" = "x"', /a table of names/],
      ['[host."https://x"]\n[host."https://x".header]\nx = "a\\r\\nauthorization: b"', /a table of names/],
      ['[host."https://x"]\nskip_verify = 1', /true or false/],
    ];
    for (const [text, message] of cases) {
      const error = await failureOf(parse(text));
      assert.equal(error.code, 'REGISTRY_CONFIG_INVALID', text);
      assert.match(error.message, message, text);
      assert.doesNotMatch(error.message, /u:p/);
    }
  });
});
