import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {baseTar, imageOf} from './sample-images.ts';

describe('images/shared-pull', ({test}) => {
  test('E03 who goes away does not cancel a pull for others, and nothing is downloaded twice', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const image = imageOf([baseTar]);
    registry.put('app', '1', image);
    const layer = String(image.layers[0]?.digest);
    registry.setFaults([{on: 'blob', matching: layer, slow: {bytes: 10, pauseMs: 50}}]);
    const reference = `${registry.host}/app:1`;
    const {images} = store.toolkit;
    const leaver = new AbortController();
    const heard: WinchEvent['type'][] = [];
    const gone = rejectionOf(images.pull(reference, {signal: leaver.signal}));
    await waitFor(() => registry.requests.some(({url}) => url.includes(layer)));
    const stayed = images.pull(reference, {onEvent: ({type}) => void heard.push(type)});
    await waitFor(() => heard.includes('blob:received'));
    leaver.abort(new Error('gone'));
    assert.is((await gone).message, 'gone');
    assert.is((await stayed).changed, true);
    assert.is(registry.requests.filter(({url}) => url.includes(layer)).length, 1);
    assert.ok(heard.includes('manifest:resolved') && heard.includes('blob:stored'), heard.join());
  });

  test('what is asked for with other options is another pull', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', imageOf([baseTar]));
    const reference = `${registry.host}/app:1`;
    const {images} = store.toolkit;
    await images.pull(reference);
    const outcomes = await Promise.allSettled([
      images.pull(reference),
      images.pull(reference, {platform: 'linux/s390x', policy: 'never'}),
    ]);
    assert.equal(
      outcomes.map(({status}) => status),
      ['fulfilled', 'rejected'],
    );
  });
});
