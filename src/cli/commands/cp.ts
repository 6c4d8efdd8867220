import {isAbsolute} from 'node:path';
import type {ContainerFiles} from '../../containers/files/copy-from-container.ts';
import type {CopiedTree} from '../../images/copy-from.ts';
import type {ImagePath} from '../../images/open-files.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import type {Toolkit} from '../../toolkit.ts';
import {flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {becomeRootOfContainer} from '../become-root-for.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {PLATFORM_FLAG} from '../options/image.ts';
import {parseImagePath} from '../options/image-path.ts';
import {orOfImage} from '../or-of-image.ts';
import {writeResult} from '../output-file.ts';
import {humanBytes} from '../render/human.ts';
import {safeText} from '../render/safe-text.ts';

interface CopyOptions {
  readonly keepsOwners?: boolean;
  readonly followsLink?: boolean;
  readonly platform?: string;
}

/** `winch cp` */
export const cpCommand = defineCommand({
  name: 'cp',
  summary: 'Copy files and directories out of a container or an image, or into a container',
  description:
    'By the rules of docker cp: into DEST where that is a directory, else to DEST; a path that ends in /. means what is ' +
    'in the directory; - is a tar on standard output or input. Of a container and an image of one name the container is ' +
    'meant, running or not, unless a platform is given. Symlinks are copied as they are. Files that come out are yours, with their modes but without ' +
    'set-id bits; those that go in belong to root there. Directories that exist are merged, files are replaced.',
  positionals: {
    usage: 'CONTAINER|IMAGE:/PATH DEST|- | SOURCE|- CONTAINER:/PATH',
    minimum: 2,
    maximum: 2,
    images: 1,
    areContainers: true,
  },
  options: {
    archive: flag('Keep owners; of what comes out (as root) set-id bits, devices and attributes as well', {short: 'a'}),
    'follow-link': flag('Copy what a symlink at the end of PATH leads to', {short: 'L'}),
    ...PLATFORM_FLAG,
  },
  examples: [
    ['winch cp web:/var/log/app.log .', 'A file of a container'],
    ['winch cp site/. web:/srv/www', 'What is in a directory, into a container'],
    ['winch cp app:1:/usr/bin/tool .', 'A file of an image'],
    ['winch cp app:1:/etc - | tar t', 'As a tar'],
    ['tar c conf | winch cp - web:/etc', 'From a tar'],
  ],
  handle: async ({values, positionals: [source = '', destination = '']}, context) => {
    const {platform, archive: keepsOwners, 'follow-link': followsLink} = values;
    const options = definedMembers({platform, keepsOwners, followsLink});
    const [from, to] = [source, destination].map(namesFile);
    if (from && to) throw flagsConflict('nothing is copied between containers', 'pipe a tar from one into the other');
    const {reference: container} = parseImagePath(to ? destination : source);
    if (platform === undefined) await becomeRootOfContainer(container, context);
    if (to) await copyIn(source, parseImagePath(destination), {options, context});
    else await copyOut(parseImagePath(source), destination, {options, context});
    return 0;
  },
});

/** Whether a word names a file of a container or an image; what begins with / or . is a path of this machine. */
const namesFile = (word: string): boolean => !/^[/.]/.test(word) && word.indexOf(':/') > 0;

interface Copying {
  readonly options: CopyOptions;
  readonly context: CommandContext;
}

async function copyIn(source: string, {reference: container, path}: ImagePath, {options, context}: Copying) {
  const {environment, signal, onEvent} = context;
  const content = source === '-' ? environment.openStandardInput(signal) : pathOf(source, context);
  const {containers} = await context.openToolkit();
  await containers.copyTo({container, path, source: content}, {...options, signal, onEvent});
}

async function copyOut(source: ImagePath, destination: string, {options, context}: Copying): Promise<void> {
  const isTar = destination === '-';
  if (isTar && context.environment.stdoutIsTerminal()) {
    throw flagsConflict('a tar is nothing for a terminal', 'name a directory, or pipe it on');
  }
  const toolkit = await context.openToolkit();
  const copying = {options, context};
  if (isTar) return await copyToOutput(toolkit, source, copying);
  context.remark(
    describeCopy(await copyToPath(toolkit, {...source, destination: pathOf(destination, context)}, copying)),
  );
}

async function copyToOutput(toolkit: Toolkit, source: ImagePath, {options, context}: Copying): Promise<void> {
  const {signal, onEvent} = context;
  const call = {...options, signal, onEvent};
  const {content, close} = await orOfImage<ContainerFiles>(options.platform, {
    ofContainer: () => toolkit.containers.readTar({container: source.reference, path: source.path}, call),
    ofImage: () => toolkit.images.readTar(source, call),
  });
  using files = new DisposableStack();
  files.defer(close);
  await writeResult(context, undefined, content);
}

function copyToPath(
  {containers, images}: Toolkit,
  copy: ImagePath & {readonly destination: string},
  {options, context: {signal, onEvent}}: Copying,
): Promise<CopiedTree> {
  const call = {...options, signal, onEvent};
  return orOfImage<CopiedTree>(options.platform, {
    ofContainer: () =>
      containers.copyFrom({container: copy.reference, path: copy.path, destination: copy.destination}, call),
    ofImage: () => images.copyFrom(copy, call),
  });
}

const pathOf = (path: string, {environment}: CommandContext): string =>
  isAbsolute(path) ? path : `${environment.workingDirectory()}/${path}`;

const describeCopy = ({files, bytes, path}: CopiedTree): string =>
  `copied ${files} ${files === 1 ? 'file' : 'files'} (${humanBytes(bytes)}) to ${safeText(path)}`;
