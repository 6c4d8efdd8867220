import type {LogPiece} from '../containers/kept/log-records.ts';
import type {LogsOptions} from '../containers/kept/read-logs.ts';
import {WinchError} from '../errors.ts';
import {type Handler, isSet} from './api-request.ts';
import {idOf} from './containers.ts';
import {momentOf} from './moment.ts';
import {framed, streamType} from './stream-frames.ts';

export const readLogs: Handler = async ({toolkit}, request) => {
  const {query, signal} = request;
  const [stdout, stderr] = [isSet(query, 'stdout'), isSet(query, 'stderr')];
  if (!stdout && !stderr) {
    throw new WinchError('STREAMS_MISSING', 'a request for logs must choose stdout, stderr or both', {kind: 'invalid'});
  }
  const {made} = await toolkit.containers.inspect(idOf(request), {signal});
  const isTerminal = made?.options.terminal ?? false;
  const pieces = toolkit.containers.logs(idOf(request), {...logOptions(query), signal});
  const isWanted = ({stream}: LogPiece) => (stream === 'stdout' ? stdout : stderr);
  return {
    type: 'bytes',
    contentType: streamType(isTerminal),
    content: write(pieces, {isWanted, isTerminal}),
  };
};

const logOptions = (query: URLSearchParams): LogsOptions => ({
  follow: isSet(query, 'follow'),
  timestamps: isSet(query, 'timestamps'),
  since: momentOf(query.get('since')),
  until: momentOf(query.get('until')),
  tail: /^\d+$/.test(query.get('tail') ?? '') ? Number(query.get('tail')) : undefined,
});

interface Writing {
  readonly isTerminal: boolean;
  isWanted(piece: LogPiece): boolean;
}

async function* write(pieces: AsyncIterable<LogPiece>, {isTerminal, isWanted}: Writing): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    if (isWanted(piece)) yield isTerminal ? piece.bytes : framed(piece);
  }
}
