import * as assert from 'node:assert/strict';
import {addressClass} from '../../src/registry/address-class.ts';
import {describe} from '../helpers/suite.ts';

const SAMPLES = {
  loopback: [
    'localhost',
    'LOCALHOST',
    'a.localhost',
    'localhost.',
    '127.0.0.1',
    '127.8.9.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ],
  'link-local': ['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]'],
  private: ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '[fd00::1]'],
  null: [
    'registry.example',
    '8.8.8.8',
    '172.32.0.1',
    '11.0.0.1',
    '[2001:db8::1]',
    'localhost.example',
    '127.0.0.1.example',
  ],
};

describe('registry/address-class', ({test}) => {
  for (const [expected, hosts] of Object.entries(SAMPLES)) {
    test(`knows ${expected === 'null' ? 'names and public addresses' : `${expected} addresses`}`, () => {
      for (const host of hosts) assert.equal(String(addressClass(host)), expected, host);
    });
  }

  test('knows addresses in the odd spellings that a URL allows', () => {
    const hosts = ['http://2130706433/', 'http://0x7f.1/', 'http://127.1/', 'http://[0:0:0:0:0:0:0:1]/'];
    for (const url of hosts) assert.equal(addressClass(new URL(url).hostname), 'loopback', url);
  });
});
