import {chmodSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {openSharedPauses} from '../../src/images/shared-pauses.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('images/shared-pauses', ({test}) => {
  const clock = {now: 1_700_000_000_000};
  const now = () => clock.now;

  test('a pause that one process begins holds for the others, and for that host alone', () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'run', 'hosts');
    const [one, other] = [openSharedPauses(path, now), openSharedPauses(path, now)];
    assert.is(other.remaining('r.example'), 0);
    assert.is(one.begin('r.example', 3000), true);
    assert.equal([one.remaining('r.example'), other.remaining('r.example')], [3000, 3000]);
    assert.is(other.remaining('r.example:5000'), 0);
    clock.now += 2999;
    assert.is(other.remaining('r.example'), 1);
    clock.now += 1;
    assert.equal([one.remaining('r.example'), other.remaining('r.example')], [0, 0]);
  });

  test('is prolonged by whoever is told so, and never shortened', () => {
    using directory = makeTemporaryDirectory();
    const [one, other] = [openSharedPauses(directory.path, now), openSharedPauses(directory.path, now)];
    one.begin('r.example', 3000);
    assert.is(other.begin('r.example', 1000), false);
    assert.is(one.remaining('r.example'), 3000);
    assert.is(other.begin('r.example', 5000), false);
    assert.is(one.remaining('r.example'), 5000);
  });

  test('leaves one small file for a host, inside its directory whatever the name', () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'hosts');
    const pauses = openSharedPauses(path, now);
    for (const milliseconds of [1000, 2000, 3000]) pauses.begin('../../r.example', milliseconds);
    const [name = '', ...others] = readdirSync(path);
    assert.equal(others, []);
    assert.is(name, 'pause-..%2F..%2Fr.example');
    assert.is(readFileSync(join(path, name), 'utf8'), String(clock.now + 3000));
  });

  test('is no pause: junk, and an end that only another clock can have meant', () => {
    using directory = makeTemporaryDirectory();
    openSharedPauses(directory.path, now).begin('r.example', 1000);
    const [name = ''] = readdirSync(directory.path);
    const pauses = openSharedPauses(directory.path, now);
    for (const text of ['', 'soon', '-5', '9'.repeat(16), String(clock.now + 60_001), String(clock.now - 1)]) {
      writeFileSync(join(directory.path, name), text);
      assert.is(pauses.remaining('r.example'), 0, text);
    }
    writeFileSync(join(directory.path, name), String(clock.now + 60_000));
    assert.is(pauses.remaining('r.example'), 60_000);
  });

  test('a process keeps to its own pauses where none can be shared', () => {
    using directory = makeTemporaryDirectory();
    const file = join(directory.path, 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    const pauses = openSharedPauses(join(file, 'hosts'), now);
    assert.is(pauses.begin('r.example', 1000), true);
    assert.is(pauses.remaining('r.example'), 1000);
  });
});
