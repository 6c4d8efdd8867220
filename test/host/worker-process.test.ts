import {once} from 'node:events';
import * as assert from 'uvu/assert';
import {startWorkerProcess, type WorkerProcess} from '../../src/host/worker-process.ts';
import {describe} from '../helpers/suite.ts';

const PROGRAM = new URL('worker-program.ts', import.meta.url);

describe('host/worker-process', ({test}) => {
  const exitOf = (worker: WorkerProcess) => new Promise((resolve) => worker.onExit(resolve));

  test('carries messages with more than JSON, and streams', async () => {
    const worker = startWorkerProcess(PROGRAM);
    const exited = exitOf(worker);
    const value = new Map([['bytes', new Uint8Array([1, 2])]]);
    const answer = new Promise((resolve) => worker.onMessage(resolve));
    worker.send({value});
    assert.equal(await answer, {value});
    worker.stdin.end('through');
    const [output] = await once(worker.stdout, 'data');
    assert.is(String(output), 'through');
    worker.send({exit: 7});
    assert.is(await exited, 7);
  });

  test('a killed worker exits without a code', async () => {
    const worker = startWorkerProcess(PROGRAM);
    const exited = exitOf(worker);
    await once(worker.stderr, 'data');
    worker.kill('SIGKILL');
    assert.is(await exited, null);
    worker.kill('SIGKILL');
  });

  test('a message to a worker that is gone is an error to listen for', async () => {
    const worker = startWorkerProcess(PROGRAM);
    const exited = exitOf(worker);
    const failed = new Promise<Error>((resolve) => worker.onError(resolve));
    await once(worker.stderr, 'data');
    worker.send({exit: 0});
    await exited;
    worker.send({value: 1});
    assert.match((await failed).message, /channel/i);
  });
});
