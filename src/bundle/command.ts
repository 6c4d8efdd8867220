import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageConfig} from '../oci/image-config.ts';
import type {ContainerOptions} from './container-options.ts';

/**
 * The argument vector: entrypoint and command of the image unless the caller replaces them. A replaced entrypoint drops
 * the image's command, since that was written for the other program.
 *
 * @throws {WinchError} `COMMAND_MISSING`: nothing to run · `COMMAND_INVALID`: an argument holds a NUL byte.
 * @see image-spec v1.1.1 conversion.md#verbatim-fields
 */
export function createCommand(image: ImageConfig | null, options: ContainerOptions): readonly string[] {
  const entrypoint = options.entrypoint ?? image?.config.Entrypoint ?? [];
  const imageCommand = options.entrypoint === undefined ? (image?.config.Cmd ?? []) : [];
  const command = [...entrypoint, ...(options.command ?? imageCommand)];
  if (command.length === 0 || command[0] === '') {
    throw new WinchError('COMMAND_MISSING', 'the image names no command to run', {
      kind: 'invalid',
      hint: 'name a command after the image',
    });
  }
  const broken = command.find((word) => word.includes('\0'));
  if (broken !== undefined) {
    throw new WinchError('COMMAND_INVALID', `argument ${excerpt(broken)} holds a NUL byte`, {kind: 'invalid'});
  }
  return command;
}
