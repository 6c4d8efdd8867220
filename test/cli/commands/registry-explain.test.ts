import * as assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe} from '../../helpers/suite.ts';
import {makeWinch} from '../../helpers/winch.ts';

const CONF = `
  [[registry]]
  location = "r.example"
  [[registry.mirror]]
  location = "127.0.0.1:1/copy"
  insecur = true`;

describe('cli/commands/registry-explain', ({test}) => {
  test('prints one fact a line, and the same as JSON', async () => {
    using winch = makeWinch();
    writeFileSync(join(winch.directory, 'registries.conf'), CONF);
    const words = ['registry', 'explain', '--creds', 'me:canary-secret', 'r.example/app'];
    const {stdout, stderr, exitCode} = await winch.run(words, {env: {HTTPS_PROXY: 'http://p.example'}});
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Reference: r\.example\/app:latest\nRead from, in this order:\n/);
    assert.match(stdout, / 1\. http:\/\/127\.0\.0\.1:1\/v2\/copy\/app or https:\/\/127\.0\.0\.1:1.* \(mirror\)\n/);
    assert.match(stdout, /Why: .*registries\.conf, \[\[registry\]\] r\.example, mirror 1\n/);
    assert.match(stdout, / 2\. https:\/\/r\.example\/v2\/app \(registry\)\n/);
    assert.match(stdout, /Proxy: http:\/\/p\.example, HTTPS_PROXY is set\n {5}Login: me \(password\) from the command/);
    assert.match(stdout, /Written to:\n {2}https:\/\/r\.example\/v2\/app\nWarning: SETTING_UNKNOWN: .*"insecur"/);
    assert.equal(stdout.match(/Login: none/g)?.length, 1, 'the mirror gets no login');
    assert.doesNotMatch(stdout, /canary/);
    const {stdout: json} = await winch.run([...words, '--format', 'json', '--tls-verify=false']);
    const {endpoints} = JSON.parse(json);
    assert.deepEqual(
      endpoints.map(({host, tls}: {host: string; tls: {isVerified: boolean}}) => [host, tls.isVerified]),
      [
        ['127.0.0.1:1', false],
        ['r.example', false],
      ],
    );
  });

  test('ends with a usage error where a file cannot be followed', async () => {
    using winch = makeWinch();
    writeFileSync(join(winch.directory, 'registries.conf'), '[[registry]');
    const {stderr, exitCode} = await winch.run(['registry', 'explain', 'alpine']);
    assert.equal(exitCode, 2);
    assert.match(stderr, /^winch: REGISTRY_CONFIG_INVALID: .*registries\.conf: line 1 is not valid TOML/);
  });
});
