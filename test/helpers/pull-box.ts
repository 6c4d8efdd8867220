import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {requireSuccess} from './require-exit.ts';
import type {WinchExit} from './winch.ts';

/** Pulls an image that runs shell commands, of a registry that is gone then. @returns its name */
export async function pullBox(run: (words: readonly string[]) => Promise<WinchExit>): Promise<string> {
  await using registry = await startRegistry();
  registry.put('box', '1', busyboxImage());
  const image = `${registry.host}/box:1`;
  requireSuccess(await run(['pull', '-q', image]));
  return image;
}
