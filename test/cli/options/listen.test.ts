import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {parseAddress, parseListenPlaces, parseRegistryPlace} from '../../../src/cli/options/listen.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {environmentOf} from '../environment-of.ts';
import {messageOf} from '../message-of.ts';

describe('cli/options/listen', ({test}) => {
  test('listens on the socket of the user unless told otherwise', () => {
    const socketOf = (...parts: Parameters<typeof environmentOf>) => parseListenPlaces({}, environmentOf(...parts));
    assert.equal(socketOf({userId: 0}), [{type: 'socket', path: '/run/winch.sock', groupId: null}]);
    assert.equal(socketOf(), [{type: 'socket', path: '/run/user/1000/winch.sock', groupId: null}]);
    assert.equal(socketOf({variables: {XDG_RUNTIME_DIR: '/r'}}), [
      {type: 'socket', path: '/r/winch.sock', groupId: null},
    ]);
  });

  test('takes over the sockets that are meant for it', () => {
    const handed = (LISTEN_PID: string, LISTEN_FDS: string) =>
      environmentOf({variables: {LISTEN_PID, LISTEN_FDS}, userId: 0});
    const own = handed(String(process.pid), '2');
    const both = [3, 4].map((descriptor) => ({type: 'inherited', descriptor, tls: null}));
    assert.equal(parseListenPlaces({}, own), both);
    assert.equal(parseListenPlaces({host: ['fd://', 'unix:///x']}, own), [
      ...both,
      {type: 'socket', path: '/x', groupId: null},
    ]);
    for (const other of [handed('1', '2'), handed(String(process.pid), '0'), handed(String(process.pid), 'x')]) {
      assert.equal(parseListenPlaces({}, other), [{type: 'socket', path: '/run/winch.sock', groupId: null}]);
      assert.match(
        messageOf(() => parseListenPlaces({host: ['fd://']}, other)),
        /^ARGUMENTS_INVALID: .*fd:/,
      );
    }
  });

  test('serves TCP only with certificates', () => {
    using directory = makeTemporaryDirectory();
    const environment = environmentOf({homeDirectory: directory.path});
    const host = ['tcp://127.0.0.1'];
    const file = (name: string) => {
      writeFileSync(join(directory.path, name), name);
      return join(directory.path, name);
    };
    const files = {tlscacert: file('ca'), tlscert: file('cert'), tlskey: file('key')};
    assert.equal(parseListenPlaces({host, tlsverify: true, ...files}, environment), [
      {type: 'port', host: '127.0.0.1', port: 2376, tls: {authorities: 'ca', certificate: 'cert', key: 'key'}},
    ]);
    const refused: readonly (readonly [Parameters<typeof parseListenPlaces>[0], RegExp])[] = [
      [{host}, /^FLAGS_CONFLICT: .*--tlsverify/],
      [{host, ...files}, /^FLAGS_CONFLICT: .*--tlsverify/],
      [{host, tlsverify: true}, /^FLAG_INVALID: --tlscacert: .*\.docker\/ca\.pem/],
      [{host: ['tcp://127.0.0.1:99999'], tlsverify: true, ...files}, /^FLAG_INVALID: --host/],
      [{host: ['/run/x.sock']}, /^FLAG_INVALID: --host/],
      [{host: ['unix://relative']}, /^FLAG_INVALID: --host/],
    ];
    for (const [values, message] of refused)
      assert.match(
        messageOf(() => parseListenPlaces(values, environment)),
        message,
      );
  });

  test('offers a registry to this machine, and to others only with certificates', () => {
    const place = (address: string, values = {}) => parseRegistryPlace(address, values, environmentOf());
    assert.equal(place('127.0.0.1:7'), {type: 'port', host: '127.0.0.1', port: 7, tls: null});
    assert.equal(place('localhost'), {type: 'port', host: 'localhost', port: 5001, tls: null});
    assert.equal(place('[::1]:0'), {type: 'port', host: '::1', port: 0, tls: null});
    for (const address of ['0.0.0.0:7', '[::]:7', '127.0.0.1.example', 'example.org:7'])
      assert.match(
        messageOf(() => place(address)),
        /^FLAGS_CONFLICT: .*--tlsverify/,
      );
    assert.match(
      messageOf(() => place('0.0.0.0', {tlsverify: true})),
      /^FLAG_INVALID: --tlscacert/,
    );
    for (const address of ['', ':7', '5001/x'])
      assert.match(
        messageOf(() => place(address)),
        /^FLAG_INVALID: --registry/,
      );
  });

  test('reads addresses with a port and without', () => {
    assert.equal(parseAddress('127.0.0.1:5001', 1), {host: '127.0.0.1', port: 5001});
    assert.equal(parseAddress('[::1]:0', 1), {host: '::1', port: 0});
    assert.equal(parseAddress('some-host.example', 7), {host: 'some-host.example', port: 7});
    for (const wrong of ['', ':80', 'a b', 'a:', '::1', 'x/y', 'a:123456']) assert.is(parseAddress(wrong, 1), null);
  });

  test('gives the socket to a group by its number or name', () => {
    const groupOf = (group: string) => parseListenPlaces({group}, environmentOf({userId: 0}))[0];
    assert.equal(groupOf('7'), {type: 'socket', path: '/run/winch.sock', groupId: 7});
    assert.equal(groupOf('root'), {type: 'socket', path: '/run/winch.sock', groupId: 0});
    for (const group of ['', 'no such group', 'root:x'])
      assert.match(
        messageOf(() => groupOf(group)),
        /^GROUP_UNKNOWN: /,
      );
  });
});
