import * as assert from 'uvu/assert';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {summaryOf} from '../samples.ts';

const info = {
  root: '/r',
  images: 0,
  snapshotter: {name: 'erofs', usable: true, reason: null, isForced: false} as const,
  runtime: {path: null, version: null, reason: 'runc is not installed'},
  kernel: '6.18',
  cgroup: 'v2' as const,
  storeBytes: 0,
  freeBytes: 0,
};

describe('cli/commands that are left', ({test}) => {
  test('doctor: prints checks and what adds the missing, and ends with 1 where nothing can run', async () => {
    const checks = [
      {name: 'runtime', state: 'missing', detail: 'none\u001b', remedy: 'apt-get install runc'},
      {name: 'space', state: 'ok', detail: '1 GB free', remedy: null},
    ] as const;
    const asked: unknown[] = [];
    const diagnose = async (request: unknown) => {
      asked.push(request);
      return {canRun: false, checks};
    };
    const {code, stdout} = await runWinch(['doctor'], {diagnose, environment: {userId: 0}});
    assert.is(code, 1);
    assert.is(
      stdout,
      'missing  runtime  none\\x1b\n                  apt-get install runc\nok       space    1 GB free\nImages cannot be run here.\n',
    );
    const json = await runWinch(['doctor', '--format', 'json'], {diagnose: async () => ({canRun: true, checks})});
    assert.is(json.code, 0);
    assert.equal(JSON.parse(json.stdout), {canRun: true, checks});
    assert.equal(asked, [{user: null}]);
  });

  test('info: prints facts, fields or JSON', async () => {
    const fakes = {info: async () => info};
    assert.match((await runWinch(['info'], fakes)).stdout, /^Version: \d.*\nStore: \/r .*\n/);
    assert.is((await runWinch(['info', '-f', '{{.snapshotter.usable}}'], fakes)).stdout, 'true\n');
    assert.is(JSON.parse((await runWinch(['info', '-f', 'json'], fakes)).stdout).kernel, '6.18');
  });

  test('version: names winch and Node, and opens no store', async () => {
    const {stdout, opened} = await runWinch(['version']);
    assert.match(stdout, /^winch: \d+\.\d+\.\d+\nnode: \d+/);
    assert.equal(opened, []);
    assert.is((await runWinch(['version', '-f', '{{.node}}'])).stdout, `${process.versions.node}\n`);
  });

  test('completion: prints a script for known shells', async () => {
    assert.match((await runWinch(['completion', 'bash'])).stdout, 'complete -o default -F _winch winch\n');
    const {code, stderr} = await runWinch(['completion', 'csh']);
    assert.is(code, 2);
    assert.is(stderr, 'winch: ARGUMENTS_INVALID: there is no completion for "csh": write bash, zsh or fish\n');
  });

  test('__complete: answers with commands, flags and local images', async () => {
    const images = {list: async () => [summaryOf('alpine', '3'), summaryOf(null, null)]};
    const answer = async (...words: string[]) => (await runWinch(['__complete', '--', ...words], {images})).stdout;
    assert.match(await answer('pul'), /^pull\tDownload .*\n$/);
    assert.is(await answer('run', ''), 'alpine:3\n');
    assert.is(await answer('run', '--pull', 'm'), 'missing\n');
    assert.is(await answer('run', 'alpine', ''), '');
  });
});
