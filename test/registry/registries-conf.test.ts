import * as assert from 'node:assert/strict';
import type {HostWarning} from '../../src/registry/host-plan.ts';
import {mergeRegistriesConfs, parseRegistriesConf, type RegistriesConf} from '../../src/registry/registries-conf.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf} from './with-registry.ts';

const FILE = '/etc/containers/registries.conf';

async function parse(text: string): Promise<RegistriesConf & {readonly warnings: readonly HostWarning[]}> {
  const warnings: HostWarning[] = [];
  const conf = await parseRegistriesConf(Buffer.from(text), {file: FILE, warn: (warning) => warnings.push(warning)});
  return {...conf, warnings};
}

describe('registry/registries-conf', ({test}) => {
  test('reads rules with their mirrors', async () => {
    const {rules, warnings, aliases, searchRegistries} = await parse(`
      unqualified-search-registries = ["quay.io"]
      short-name-mode = "permissive"
      [[registry]]
      prefix = "docker.io"
      location = "docker.io/"
      insecure = false
      [[registry.mirror]]
      location = "mirror.local:5000/hub"
      insecure = true
      [[registry.mirror]]
      location = "other.local"
      pull-from-mirror = "digest-only"
      [[registry]]
      location = "evil.example"
      blocked = true
      [aliases]
      fedora = "registry.fedoraproject.org/fedora"`);
    assert.deepEqual(warnings, []);
    const [hub, evil] = rules;
    assert.deepEqual([hub?.prefix, hub?.location, hub?.isBlocked], ['docker.io', 'docker.io', false]);
    assert.deepEqual(
      hub?.mirrors.map(({location, isInsecure, serves}) => [location, isInsecure, serves]),
      [
        ['mirror.local:5000/hub', true, 'all'],
        ['other.local', false, 'digest'],
      ],
    );
    assert.deepEqual([evil?.prefix, evil?.isBlocked], ['evil.example', true]);
    assert.equal(aliases.get('fedora')?.name, 'registry.fedoraproject.org/fedora');
    assert.deepEqual(searchRegistries?.names, ['quay.io']);
  });

  test('limits every mirror to digests where the rule says so', async () => {
    const {rules} = await parse(`
      [[registry]]
      location = "r.example"
      mirror-by-digest-only = true
      [[registry.mirror]]
      location = "m.example"`);
    assert.equal(rules[0]?.mirrors[0]?.serves, 'digest');
  });

  test('tells of keys in a wrong table, and of those that are spelt otherwise', async () => {
    const {warnings} = await parse(`
      insecure = true
      [[registry]]
      location = "r.example"
      pull-from-mirror = "all"
      [[registry.mirrors]]
      location = "m.example"
      [[mirror]]
      location = "m.example"`);
    const text = warnings.map(({message}) => message).join('\n');
    assert.equal(warnings.length, 4);
    assert.match(text, /the top of the file has a key "insecure" .* belongs to \[\[registry\]\]/);
    assert.match(
      text,
      /\[\[registry\]\] r\.example has a key "pull-from-mirror" .* belongs to \[\[registry\.mirror\]\]/,
    );
    assert.match(text, /has a key "mirrors" .* did you mean "mirror"/);
    assert.match(text, /the top of the file has a key "mirror" .* written as \[\[registry\.mirror\]\]/);
  });

  test('tells that version 1 of the format is not read', async () => {
    const {warnings} = await parse(`[registries.insecure]\nregistries = ["r.example"]`);
    assert.deepEqual(
      warnings.map(({code}) => code),
      ['SETTING_OUTDATED'],
    );
  });

  test('refuses what it cannot follow, and says where', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['[[registry]\nlocation = 1', /line 1 is not valid TOML/],
      ['[registry]\nlocation = "x"', /"registry" .* has to be a list of tables, \[\[registry\]\]/],
      ['[[registry]]\nlocation = 5', /"location" .* has to be a text/],
      ['[[registry]]\nlocation = "https://x"', /a scheme is not allowed/],
      ['[[registry]]\nlocation = "user:pw@x"', /neither a login nor a digest/],
      ['[[registry]]\nlocation = "x/y:tag"', /a tag is not allowed/],
      ['[[registry]]\nlocation = "x/../../etc"', /the path is malformed/],
      ['[[registry]]\nlocation = "x y"', /the host is malformed/],
      ['[[registry]]\nprefix = "a.*.example"\nlocation = "x"', /"prefix" .* the host is malformed/],
      ['[[registry]]\nblocked = true', /"location" .* given when there is no "prefix"/],
      ['[[registry]]\nlocation = "x"\nblocked = "yes"', /"blocked" .* has to be true or false/],
      ['[[registry]]\nlocation = "x"\n[[registry.mirror]]\ninsecure = true', /mirror 1 has to be given/],
      ['[[registry]]\nlocation = "x"\n[[registry.mirror]]\nlocation = "m"\npull-from-mirror = "tags"', /"digest-only"/],
      ['[aliases]\nx = 1', /the alias "x" has to be a text/],
      ['unqualified-search-registries = "x"', /has to be a list of texts/],
    ];
    for (const [text, message] of cases) {
      const error = await failureOf(parse(text));
      assert.equal(error.code, 'REGISTRY_CONFIG_INVALID', text);
      assert.match(error.message, message, text);
      assert.doesNotMatch(error.message, /user:pw/);
      assert.ok(error.message.startsWith(`${FILE}: `), error.message);
    }
    assert.match((await failureOf(parseRegistriesConf(Buffer.from([0xff]), {file: FILE, warn() {}}))).message, /UTF-8/);
  });

  test('lets later files replace rules of the same prefix and take aliases away', async () => {
    const first = await parse(`
      unqualified-search-registries = ["a.example"]
      [[registry]]
      location = "r.example"
      blocked = true
      [[registry]]
      location = "s.example"
      [aliases]
      x = "r.example/x"
      y = "r.example/y"`);
    const second = await parse(`
      [[registry]]
      location = "r.example"
      [aliases]
      x = ""`);
    const merged = mergeRegistriesConfs([first, second]);
    assert.deepEqual(
      merged.rules.map(({prefix, isBlocked}) => [prefix, isBlocked]),
      [
        ['r.example', false],
        ['s.example', false],
      ],
    );
    assert.deepEqual([...merged.aliases.keys()], ['y']);
    assert.deepEqual(merged.searchRegistries?.names, ['a.example']);
  });
});
