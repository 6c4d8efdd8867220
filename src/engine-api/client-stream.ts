import type {Duplex} from 'node:stream';

/** A client that has left HTTP. */
export interface ClientStream {
  /** What it says, until it has said all; to be read once. */
  input(): AsyncIterable<Uint8Array>;
  /** Lets what it says go by, so that its end is noticed. */
  ignoreInput(): void;
  /** Resolves when it may be told more, or is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that this was all. */
  end(): void;
}

const NOTHING = Buffer.alloc(0);
const LOOK_MS = 1000;

/** The client at the other end of a connection, in bytes as they are. */
export function createClientStream(connection: Duplex): ClientStream {
  noticeItsEnd(connection);
  return {
    // Else the end of the input would be that of the connection.
    input: () => connection.iterator({destroyOnReturn: false}),
    ignoreInput: () => void connection.resume(),
    write: async (bytes) => {
      if (!connection.destroyed && !connection.write(bytes)) await drained(connection);
    },
    end: () => void connection.end(),
  };
}

/** A client that is gone will never have read it. */
function drained(connection: Duplex): Promise<void> {
  const {promise, resolve} = Promise.withResolvers<void>();
  const settle = () => {
    connection.off('drain', settle).off('close', settle);
    resolve();
  };
  connection.on('drain', settle).on('close', settle);
  return promise;
}

/**
 * A client that has said all and one that was killed look alike; to write nothing to the latter fails, when the connection
 * is one within this machine.
 */
function noticeItsEnd(connection: Duplex): void {
  const timer = setInterval(() => {
    if (connection.writable && connection.writableLength === 0) connection.write(NOTHING);
  }, LOOK_MS);
  timer.unref();
  connection.once('close', () => clearInterval(timer));
}
