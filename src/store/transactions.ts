/** What of an SQLite connection transactions need. */
export interface Connection {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): {get(): Readonly<Record<string, unknown>> | undefined};
}

export interface Transactions {
  /** Takes the write lock at once, and is durable where the connection is. */
  durable<T>(work: () => T): T;
  /** As `durable`, but a power cut may undo it until the next durable one, which makes it durable with itself. */
  passing<T>(work: () => T): T;
  /** One state for all queries; within another transaction, that one's. */
  snapshot<T>(work: () => T): T;
}

/** @param change Writes something, and nothing new. */
export function createTransactions(connection: Connection, change: () => void): Transactions {
  let isPassing = false;
  return {
    durable: (work) => {
      const result = transact(connection, 'BEGIN IMMEDIATE', () => {
        // A transaction that changes nothing would not be synced, nor what came before it.
        if (isPassing) change();
        return work();
      });
      isPassing = false;
      return result;
    },
    passing: (work) => {
      isPassing = true;
      return withoutSync(connection, () => transact(connection, 'BEGIN IMMEDIATE', work));
    },
    snapshot: (work) => (connection.isTransaction ? work() : transact(connection, 'BEGIN', work)),
  };
}

function transact<T>(connection: Connection, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  connection.exec(begin);
  try {
    const result = work();
    connection.exec('COMMIT');
    return result;
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** A later commit syncs the whole write-ahead log, and so does SQLite before it moves anything out of it. */
function withoutSync<T>(connection: Connection, work: () => T): T {
  const before = Number(connection.prepare('PRAGMA synchronous').get()?.synchronous);
  connection.exec('PRAGMA synchronous = NORMAL');
  try {
    return work();
  } finally {
    connection.exec(`PRAGMA synchronous = ${before}`);
  }
}
