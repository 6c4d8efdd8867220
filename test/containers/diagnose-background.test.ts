import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {diagnoseBackground} from '../../src/containers/diagnose-background.ts';
import {findProgram} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const isInstalled = findProgram('conmon') !== null;
const skip = isInstalled ? undefined : 'not installed: conmon';
/** The one user whose name is the same everywhere. */
const ROOT = {uid: 0, denial: null};

describe('containers/diagnose-background', ({test}) => {
  test('names the program that is missing', () => {
    const {state, remedy} = diagnoseBackground(null, '/run/winch');
    assert.equal([state, remedy], isInstalled ? ['ok', null] : ['limited', 'apt-get install conmon']);
  });

  test(
    'U20 says that a user who logs out loses what runs, and what keeps it',
    () => {
      using directory = makeTemporaryDirectory();
      const look = (place: string) => diagnoseBackground(ROOT, place, directory.path);
      assert.is(look('/run/user/0/winch').remedy, 'sudo loginctl enable-linger root');
      assert.is(look('/home/somebody/run').state, 'ok');
      writeFileSync(join(directory.path, 'root'), '');
      assert.is(look('/run/user/0/winch').state, 'ok');
      assert.is(diagnoseBackground(ROOT, '/run/user/0/winch', join(directory.path, 'none')).state, 'ok');
    },
    {skip},
  );
});
