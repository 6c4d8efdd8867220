import {isAbsolute} from 'node:path';
import type {CopiedFiles} from '../../images/copy-from.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {PLATFORM_FLAG} from '../options/image.ts';
import {parseImagePath} from '../options/image-path.ts';
import {writeResult} from '../output-file.ts';
import {humanBytes} from '../render/human.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch cp` */
export const cpCommand = defineCommand({
  name: 'cp',
  summary: 'Copy files and directories out of an image',
  description:
    'By the rules of docker cp: into DEST where that is a directory, else to DEST; a path that ends in /. means what is ' +
    'in the directory; with - a tar goes to standard output. Symlinks are copied as they are. Files are yours, with the ' +
    'modes of the image but without set-id bits. Directories that exist are merged, files that exist are replaced.',
  positionals: {usage: 'IMAGE:/PATH DEST|-', minimum: 2, maximum: 2, images: 1},
  options: {
    archive: flag('Keep owners, set-id bits, devices and attributes (as root)', {short: 'a'}),
    'follow-link': flag('Copy what a symlink at the end of PATH leads to', {short: 'L'}),
    ...PLATFORM_FLAG,
  },
  examples: [
    ['winch cp app:1:/usr/bin/tool .', 'A file'],
    ['winch cp app:1:/srv/www/. public', 'What is in a directory, into another'],
    ['winch cp app:1:/etc - | tar t', 'As a tar'],
  ],
  handle: async ({values, positionals: [word = '', destination = '']}, context) => {
    const source = parseImagePath(word);
    const {platform, archive: keepsOwners, 'follow-link': followsLink} = values;
    const {environment, signal, onEvent, remark} = context;
    const options = {...definedMembers({platform, followsLink}), signal, onEvent};
    const isTar = destination === '-';
    if (isTar && environment.stdoutIsTerminal()) {
      throw flagsConflict('a tar is nothing for a terminal', 'name a directory, or pipe it on');
    }
    const {images} = await context.openToolkit();
    if (isTar) {
      const {content, close} = await images.readTar(source, options);
      using files = new DisposableStack();
      files.defer(close);
      await writeResult(context, undefined, content);
      return 0;
    }
    const path = isAbsolute(destination) ? destination : `${environment.workingDirectory()}/${destination}`;
    const copied = await images.copyFrom(
      {...source, destination: path},
      {...options, ...definedMembers({keepsOwners})},
    );
    remark(describeCopy(copied));
    return 0;
  },
});

const describeCopy = ({files, bytes, path}: CopiedFiles): string =>
  `copied ${files} ${files === 1 ? 'file' : 'files'} (${humanBytes(bytes)}) to ${safeText(path)}`;
