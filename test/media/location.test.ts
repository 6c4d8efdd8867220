import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {formatLocation, parseLocation} from '../../src/media/location.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const READ: readonly (readonly [text: string, formatted: string, kind: string])[] = [
  ['alpine', 'docker://alpine:latest', 'registry'],
  ['docker://alpine:3', 'docker://alpine:3', 'registry'],
  ['localhost:5000/a/b:1', 'docker://localhost:5000/a/b:1', 'registry'],
  ['docker://oci:latest', 'docker://oci:latest', 'registry'],
  ['oci:dir', 'oci:dir', 'oci'],
  ['oci:/a/b c:name', 'oci:/a/b c:name', 'oci'],
  ['oci:dir:registry.example/a:1', 'oci:dir:registry.example/a:1', 'oci'],
  ['oci:dir:@2', 'oci:dir:@2', 'oci'],
  ['oci-archive:a.tar:1.0', 'oci-archive:a.tar:1.0', 'oci-archive'],
  ['docker-archive:a.tar', 'docker-archive:a.tar', 'docker-archive'],
  ['docker-archive:a.tar:docker.io/library/alpine', 'docker-archive:a.tar:alpine:latest', 'docker-archive'],
  ['store:alpine:3', 'store:alpine:3', 'store'],
];

const REFUSED: readonly (readonly [text: string, code: string, hint: RegExp])[] = [
  ['dir:/tmp/x', 'LOCATION_UNSUPPORTED', /oci:DIRECTORY/],
  ['containers-storage:alpine', 'LOCATION_UNSUPPORTED', /did you mean store:/],
  ['docker-daemon:alpine:3', 'LOCATION_UNSUPPORTED', /docker:\/\/docker-daemon:TAG/],
  ['ocidir:/tmp/x', 'LOCATION_UNSUPPORTED', /did you mean oci:/],
  ['oci-archve:/tmp/x.tar', 'LOCATION_INVALID', /did you mean oci-archive:/],
  ['docker-archiv:./x.tar', 'LOCATION_INVALID', /did you mean docker-archive:/],
  ['frob:/tmp/x', 'LOCATION_INVALID', /write \[docker:\/\/\]IMAGE/],
  ['docker:alpine', 'LOCATION_INVALID', /docker:\/\/alpine/],
  ['oci:', 'LOCATION_INVALID', /oci:DIRECTORY/],
  ['oci::name', 'LOCATION_INVALID', /oci:DIRECTORY/],
  ['oci:dir:', 'LOCATION_INVALID', /oci:DIRECTORY/],
  ['oci:dir:a b', 'LOCATION_INVALID', /letters and digits/],
  ['store:', 'LOCATION_INVALID', /store:IMAGE/],
  ['docker-archive:x.tar:UPPER', 'REFERENCE_INVALID', /upper|lower/],
  ['https://registry.example/a', 'LOCATION_INVALID', /did you mean docker:/],
  ['a/UPPER', 'REFERENCE_INVALID', /./],
];

describe('media/location', ({test}) => {
  for (const [text, formatted, kind] of READ) {
    test(`reads ${text}`, () => {
      const location = parseLocation(text);
      assert.is(location.kind, kind);
      assert.is(formatLocation(location), formatted);
      assert.equal(parseLocation(formatted), location);
    });
  }
  for (const [text, code, hint] of REFUSED) {
    test(`refuses ${text} and says what to write`, () => {
      assert.is(
        codeOf(() => parseLocation(text)),
        code,
      );
      try {
        parseLocation(text);
      } catch (error) {
        if (isWinchError(error)) assert.match(error.hint ?? '', hint);
      }
    });
  }
});
