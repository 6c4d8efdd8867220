import {openDatabase} from '../../src/store/database.ts';
import {keepLayoutIndex} from '../../src/store/layout-index.ts';
import {storePaths} from '../../src/store/paths.ts';
import {openStore} from '../../src/store/store.ts';
import {deleteTag, setTag} from '../../src/store/tags.ts';
import {digestFor} from './sample-graph.ts';

/** A process of its own: sets and removes tags of the image `one`, or is killed right before it commits one. */
const [, , root = '', name = '', times = '0'] = process.argv;
const tagOf = (reference: string) => ({reference, targetDigest: digestFor('one'), manifestDigest: digestFor('one')});

if (times === 'killed') {
  const paths = storePaths(root);
  const database = await openDatabase(paths.database, 'fast');
  database.transaction(() => {
    setTag(database, tagOf(name), 1);
    keepLayoutIndex(paths, database);
    process.kill(process.pid, 'SIGKILL');
  });
}
const store = openStore({root, durability: 'fast'});
for (let time = 0; time < Number(times); time++) {
  const reference = `${name}:${time}`;
  await store.write((database) => setTag(database, tagOf(reference), time));
  if (time % 3 === 0) await store.write((database) => deleteTag(database, reference, 2));
}
