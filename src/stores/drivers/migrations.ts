/** The shape of the SQLite database, as the list of steps that led to it. Steps are only ever added: a released one is never edited. */

export const migrations: readonly string[] = [
  // 1. Calls and keys.
  // Two indices, both growing at their right end. A third on (key_id, started_at) would touch a page for each active key: in batches
  // of 64 with 20 keys it doubles the cost of a row, 4.2 to 8.5 µs. So questions about one key read the time range instead,
  // on the side thread: 0.5 s over 1.6 million calls. WITHOUT ROWID costs the same in batches, 24 against 26 µs one by one, but makes
  // every walk along the time index look rows up by text.
  `CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    started_at REAL NOT NULL,
    key_id TEXT,
    key_name TEXT,
    operation TEXT NOT NULL,
    client_format TEXT NOT NULL,
    requested_model TEXT NOT NULL,
    provider TEXT,
    model TEXT,
    served_model TEXT,
    provider_format TEXT,
    stream INTEGER NOT NULL,
    verbatim INTEGER NOT NULL,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error_code TEXT,
    finish TEXT,
    attempts TEXT,
    input INTEGER,
    output INTEGER,
    cache_read INTEGER,
    cache_write INTEGER,
    reasoning INTEGER,
    estimated INTEGER NOT NULL,
    cost_pico INTEGER,
    first_byte_ms REAL,
    duration_ms REAL NOT NULL,
    overhead_ms REAL NOT NULL,
    warnings TEXT,
    session TEXT,
    tags TEXT
  ) STRICT;
  CREATE INDEX calls_by_time ON calls (started_at);
  CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    models TEXT,
    created_at REAL NOT NULL,
    expires_at REAL,
    disabled_at REAL
  ) STRICT;
  CREATE UNIQUE INDEX keys_by_live_name ON keys (name) WHERE disabled_at IS NULL;`,
];
