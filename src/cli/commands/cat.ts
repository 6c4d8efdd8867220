import {definedMembers} from '../../oci/defined-members.ts';
import {defineCommand} from '../command.ts';
import {IMAGE_FLAGS} from '../options/image.ts';
import {parseImagePath} from '../options/image-path.ts';

/** `winch cat` */
export const catCommand = defineCommand({
  name: 'cat',
  summary: 'Print files of an image',
  description:
    'As a container would first see them; symlinks are followed within the image. Nothing is mounted or unpacked: only ' +
    'the files asked for are read. Of an image that was not pulled only these files are fetched, where its layers are ' +
    'eStargz or zstd:chunked; else it is pulled. Nothing is printed unless all of them are there.',
  positionals: {usage: 'IMAGE:/PATH...', minimum: 1, images: Number.POSITIVE_INFINITY},
  options: {...IMAGE_FLAGS},
  examples: [
    ['winch cat alpine:/etc/os-release', 'One file'],
    ['winch cat app:1:/app/package.json | jq .version', 'Of an image with a tag'],
    ['winch cat app:1:/etc/passwd app:2:/etc/passwd', 'Several, one after the other'],
  ],
  handle: async ({values: {platform, pull}, positionals}, {openToolkit, writeBytes, signal, onEvent}) => {
    const sources = positionals.map(parseImagePath);
    const {images} = await openToolkit();
    const options = {...definedMembers({platform}), policy: pull ?? 'missing', signal, onEvent};
    using opened = new DisposableStack();
    const {files, close} = await images.readFiles(sources, options);
    opened.defer(close);
    for (const {content} of files) {
      for await (const piece of content) if (!writeBytes(piece)) return 0;
    }
    return 0;
  },
});
