import * as assert from 'uvu/assert';
import {asksForLabels, readVolumeForm, readVolumesFrom, toVolumeRequest} from '../../src/bundle/volume-form.ts';
import {describe} from '../helpers/suite.ts';

const form = {source: '/a', target: '/b', readOnly: false, nocopy: false, propagation: undefined};

describe('bundle/volume-form', ({test}) => {
  test("reads docker's short form", () => {
    assert.equal(readVolumeForm('/a:/b'), form);
    assert.equal(readVolumeForm('/a:/b:'), form);
    assert.equal(readVolumeForm('/a:/b:z,cached,rw'), form);
    assert.equal(readVolumeForm('/b'), {...form, source: null});
    const all = {...form, source: 'a', readOnly: true, nocopy: true, propagation: 'rslave'};
    assert.equal(readVolumeForm('a:/b:ro,nocopy,rslave'), all);
  });

  test('says what is wrong', () => {
    assert.equal(readVolumeForm('/a:/b:ro:x'), {problem: 'parts'});
    assert.equal(readVolumeForm(':/b'), {problem: 'source'});
    assert.equal(readVolumeForm('/a:/b:ro,no'), {problem: 'option', word: 'no'});
  });

  test('is a bind of a path, which is made, or a volume', () => {
    const mount = {target: '/b', readOnly: false};
    assert.equal(toVolumeRequest({...form, nocopy: true}, '/x'), {
      ...{type: 'bind', source: '/x', createSource: true},
      ...mount,
    });
    const named = {type: 'volume', source: 'v', ...mount, nocopy: true};
    assert.equal(toVolumeRequest({...form, source: 'v', nocopy: true}, null), named);
    assert.equal(toVolumeRequest({...form, source: null}, null), {type: 'volume', ...mount});
  });

  test('reads whose volumes are mounted, and how', () => {
    assert.equal(readVolumesFrom('a'), {container: 'a'});
    assert.equal(readVolumesFrom('a:ro'), {container: 'a', readOnly: true});
    assert.equal(readVolumesFrom('a:rw'), {container: 'a', readOnly: false});
    assert.equal(readVolumesFrom('a:z'), {container: 'a'});
    for (const text of ['', ':ro', 'a:', 'a:no', 'a:ro:z']) assert.is(readVolumesFrom(text), null, text);
  });

  test('knows labels among the options', () => {
    assert.ok(asksForLabels('ro,Z'));
    assert.not.ok(asksForLabels('ro'));
    assert.not.ok(asksForLabels(undefined));
  });
});
