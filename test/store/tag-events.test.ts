import * as assert from 'uvu/assert';
import {listTagEvents, TAG_EVENT_LIMIT} from '../../src/store/tag-events.ts';
import {deleteTag, setTag} from '../../src/store/tags.ts';
import {describe} from '../helpers/suite.ts';
import {digestFor, openSampleDatabase} from './sample-graph.ts';

describe('store/tag-events', ({test}) => {
  const images = [
    {name: 'one', layers: 'a'},
    {name: 'two', layers: 'ab'},
  ];
  const tag = (name: string, reference = 'r:1') => ({
    reference,
    targetDigest: digestFor(name),
    manifestDigest: digestFor(name),
  });

  test('remembers each move and removal of a tag, newest first', async () => {
    using sample = await openSampleDatabase(images);
    const {database} = sample;
    setTag(database, tag('one'), 10);
    setTag(database, tag('one'), 11);
    setTag(database, tag('two', 'r:other'), 12);
    setTag(database, tag('two'), 13);
    deleteTag(database, 'r:1', 14);
    deleteTag(database, 'r:1', 15);
    setTag(database, tag('one'), 16);
    const [one, two] = ['one', 'two'].map(digestFor);
    assert.equal(
      listTagEvents(database, 'r:1').map(({manifestDigest, happenedAt}) => [manifestDigest, happenedAt]),
      [
        [one, 16],
        [null, 14],
        [two, 13],
        [one, 10],
      ],
    );
  });

  test('forgets the oldest beyond a limit, of each tag alone', async () => {
    using sample = await openSampleDatabase(images);
    const {database} = sample;
    setTag(database, tag('one', 'r:other'), 0);
    for (let at = 0; at < TAG_EVENT_LIMIT + 5; at++) setTag(database, tag(at % 2 === 0 ? 'one' : 'two'), at);
    const events = listTagEvents(database, 'r:1');
    assert.is(events.length, TAG_EVENT_LIMIT);
    assert.equal([events[0]?.happenedAt, events.at(-1)?.happenedAt], [TAG_EVENT_LIMIT + 4, 5]);
    assert.is(listTagEvents(database, 'r:other').length, 1);
  });
});
