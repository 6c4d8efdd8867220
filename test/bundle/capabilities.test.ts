import * as assert from 'uvu/assert';
import {createCapabilities, decodeCapabilityMask} from '../../src/bundle/capabilities.ts';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const ALL = decodeCapabilityMask('000001ffffffffff');
const DOCKER = decodeCapabilityMask('00000000a80425fb');

const granted = (options: ContainerOptions, supported: readonly string[] = ALL) =>
  [...createCapabilities(options, supported).bounding].sort().join(' ');

describe('bundle/capabilities', ({test}) => {
  test('knows all 41 capabilities of the kernel', () => {
    assert.is(ALL.length, 41);
    assert.is(ALL.at(0), 'CAP_CHOWN');
    assert.is(ALL.at(24), 'CAP_SYS_RESOURCE');
    assert.is(ALL.at(-1), 'CAP_CHECKPOINT_RESTORE');
  });

  test('gives docker’s 14 by default, none inheritable or ambient', () => {
    const {bounding, effective, permitted, inheritable, ambient} = createCapabilities({}, ALL);
    assert.is(bounding.length, 14);
    assert.equal([...bounding].sort(), [...DOCKER].sort());
    assert.equal([effective, permitted], [bounding, bounding]);
    assert.equal([inheritable, ambient], [[], []]);
  });

  test('adds and drops by names in any form', () => {
    const text = granted({capabilitiesToAdd: ['net_admin', 'CAP_SYS_TIME'], capabilitiesToDrop: ['Mknod', 'KILL']});
    assert.ok(text.includes('CAP_NET_ADMIN') && text.includes('CAP_SYS_TIME'));
    assert.not.ok(text.includes('MKNOD') || text.includes('KILL'));
  });

  test('understands ALL on both sides as docker does', () => {
    assert.is(granted({capabilitiesToDrop: ['ALL']}), '');
    assert.is(granted({capabilitiesToDrop: ['all'], capabilitiesToAdd: ['CHOWN']}), 'CAP_CHOWN');
    assert.is(granted({capabilitiesToAdd: ['ALL'], capabilitiesToDrop: ['CHOWN']}).split(' ').length, 40);
    assert.is(granted({capabilitiesToAdd: ['ALL'], capabilitiesToDrop: ['ALL']}).split(' ').length, 41);
  });

  test('gives everything this process has to a privileged container', () => {
    assert.is(granted({privileged: true, capabilitiesToDrop: ['ALL']}, ['CAP_KILL']), 'CAP_KILL');
  });

  test('leaves out defaults that this process lacks, but refuses to be asked for them', () => {
    assert.is(granted({}, ['CAP_CHOWN', 'CAP_SYS_ADMIN']), 'CAP_CHOWN');
    assert.is(
      codeOf(() => granted({capabilitiesToAdd: ['SYS_RESOURCE']}, ['CAP_CHOWN'])),
      'CAPABILITY_UNAVAILABLE',
    );
  });

  test('refuses unknown names on both sides', () => {
    assert.is(
      codeOf(() => granted({capabilitiesToAdd: ['SYS_ADMN']})),
      'CAPABILITY_UNKNOWN',
    );
    assert.is(
      codeOf(() => granted({capabilitiesToDrop: ['CAP_']})),
      'CAPABILITY_UNKNOWN',
    );
  });
});
