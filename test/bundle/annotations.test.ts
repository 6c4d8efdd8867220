import * as assert from 'uvu/assert';
import {imageOf} from '../../fixtures/runtime-spec/cases.ts';
import {createAnnotations} from '../../src/bundle/annotations.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/annotations', ({test}) => {
  test('drops labels that a runtime would obey (CVE-2026-53488)', () => {
    const Labels = {
      'org.systemd.property.ExecStartPre': "['/bin/evil']",
      'run.oci.hooks.stderr': '/x',
      'org.criu.config': '/x',
      'io.containers.trace-syscall': 'of:/x',
      'io.katacontainers.config': '/x',
      harmless: 'yes',
    };
    const annotations = createAnnotations(imageOf({Labels}), {labels: {'run.oci.handler': 'krun', mine: '1'}});
    const names = Object.keys(annotations).filter((name) => !name.startsWith('org.opencontainers.'));
    assert.equal(names, ['harmless', 'mine']);
  });

  test('lets an explicit annotation carry such a name', () => {
    const annotations = createAnnotations(null, {annotations: {'run.oci.handler': 'krun'}});
    assert.equal(annotations, {'run.oci.handler': 'krun'});
  });

  test('states the image’s own fields, over which its labels win', () => {
    const image = imageOf({
      ExposedPorts: {'80/tcp': {}, '53/udp': {}},
      StopSignal: 'SIGINT',
      Labels: {'org.opencontainers.image.created': 'labelled'},
    });
    assert.equal(createAnnotations({...image, variant: 'v3', author: 'me'}, {}), {
      'org.opencontainers.image.os': 'linux',
      'org.opencontainers.image.architecture': 'amd64',
      'org.opencontainers.image.variant': 'v3',
      'org.opencontainers.image.author': 'me',
      'org.opencontainers.image.created': 'labelled',
      'org.opencontainers.image.stopSignal': 'SIGINT',
      'org.opencontainers.image.exposedPorts': '80/tcp,53/udp',
    });
  });

  test('keeps a label called __proto__ a label', () => {
    const Labels = JSON.parse('{"__proto__": "x"}');
    assert.is(Object.hasOwn(createAnnotations(imageOf({Labels}), {}), '__proto__'), true);
  });
});
