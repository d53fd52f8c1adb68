/** The shape of the SQLite database, as the list of steps that led to it. Steps are only ever added: a released one is never edited. */

export const migrations: readonly string[] = [
  // 1. Calls and keys.
  // A rowid table with two indices that grow at their right end. Measured in batches of 64: an index on (key_id, started_at)
  // touches one page for each active key, and doubles the cost of a row (4.5 µs → 9 µs with 20 keys), so there is none:
  // questions about one key read the time range instead.
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
