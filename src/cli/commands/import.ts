import {resolve} from 'node:path';
import {definedMembers} from '../../oci/defined-members.ts';
import {list, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';

/** `winch import` */
export const importCommand = defineCommand({
  name: 'import',
  summary: 'Make an image from the tar of a root filesystem',
  description:
    'The tar may be packed by gzip or zstd, and becomes the one layer as it is; packed by xz or bzip2 it is unpacked first. Prints the id of the image. FILE may be - for standard input.',
  positionals: {usage: 'FILE [IMAGE]', minimum: 1, maximum: 2},
  options: {
    change: list('INSTRUCTION', 'CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR', {
      short: 'c',
    }),
    message: text('TEXT', 'What the history of the image says', {short: 'm'}),
    platform: text('OS/ARCH[/VARIANT]', 'What the image is for', {defaultsTo: 'this machine'}),
  },
  examples: [
    ['winch import rootfs.tar.zst base:1', 'From a file'],
    [`tar c -C rootfs . | winch import -c 'CMD ["/bin/sh"]' - base:1`, 'From a directory'],
  ],
  handle: async ({values, positionals: [file = '', reference]}, context) => {
    const {change: changes, message, platform} = values;
    const {environment, signal, onEvent} = context;
    const isPiped = file === '-';
    const input = isPiped ? environment.openStandardInput(signal) : resolve(environment.workingDirectory(), file);
    const {images} = await context.openToolkit();
    const given = definedMembers({reference, changes, message, platform});
    context.print((await images.import(input, {...given, signal, onEvent})).imageId);
    return 0;
  },
});
