namespace Coach.Sqlite.Storage;

/// <summary>The tables, one text a version; a file is brought from its version to the last one.</summary>
internal static class SqliteSchema
{
    /// <summary>"Coac", so that a file of somebody else's is told from ours.</summary>
    public const int ApplicationId = 0x436F6163;

    public static readonly string[] Versions =
    [
        """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

        CREATE TABLE ledger_accounts (
          id INTEGER PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE, name TEXT UNIQUE,
          sequence INTEGER NOT NULL DEFAULT 0, hash TEXT NOT NULL DEFAULT '',
          checkpoint TEXT NOT NULL DEFAULT '');
        CREATE TABLE ledger_balances (
          account INTEGER NOT NULL, currency TEXT NOT NULL, micros INTEGER NOT NULL,
          PRIMARY KEY (account, currency)) WITHOUT ROWID;
        CREATE TABLE ledger_entries (
          account INTEGER NOT NULL, sequence INTEGER NOT NULL, contra TEXT NOT NULL, key TEXT NOT NULL,
          kind INTEGER NOT NULL, micros INTEGER NOT NULL, currency TEXT NOT NULL, at INTEGER NOT NULL,
          flags INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, counts TEXT NOT NULL,
          outcome INTEGER NOT NULL, reference TEXT NOT NULL, hash TEXT NOT NULL,
          PRIMARY KEY (account, sequence)) WITHOUT ROWID;
        CREATE TABLE ledger_keys (
          key TEXT PRIMARY KEY, account INTEGER NOT NULL, sequence INTEGER NOT NULL, kind INTEGER NOT NULL,
          micros INTEGER NOT NULL, currency TEXT NOT NULL, reference TEXT NOT NULL) WITHOUT ROWID;

        CREATE TABLE budget_counters (
          name TEXT PRIMARY KEY, settled INTEGER NOT NULL, reserved INTEGER NOT NULL, resets_at INTEGER) WITHOUT ROWID;
        CREATE INDEX budget_counters_end ON budget_counters (resets_at) WHERE resets_at IS NOT NULL;
        CREATE TABLE budget_reservations (
          id TEXT PRIMARY KEY, state INTEGER NOT NULL, due INTEGER NOT NULL, charges TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX budget_reservations_due ON budget_reservations (state, due);

        CREATE TABLE audit_entries (
          sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, subject TEXT NOT NULL,
          name TEXT NOT NULL, detail TEXT NOT NULL, micros INTEGER NOT NULL, reference TEXT NOT NULL,
          hash TEXT NOT NULL);

        CREATE TABLE tabs (
          owner TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL,
          PRIMARY KEY (owner, id)) WITHOUT ROWID;

        CREATE TABLE jobs (
          id TEXT PRIMARY KEY, queue TEXT NOT NULL, caller TEXT NOT NULL, created INTEGER NOT NULL,
          state INTEGER NOT NULL, attempts INTEGER NOT NULL, token INTEGER NOT NULL, lease INTEGER NOT NULL,
          started INTEGER, ended INTEGER, error TEXT, payload BLOB NOT NULL, result BLOB NOT NULL);
        CREATE INDEX jobs_waiting ON jobs (queue, created) WHERE state < 2;
        CREATE INDEX jobs_caller ON jobs (caller, created);
        CREATE INDEX jobs_ended ON jobs (ended) WHERE ended IS NOT NULL;

        CREATE TABLE conversations (
          caller TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, updated INTEGER NOT NULL,
          PRIMARY KEY (caller, id)) WITHOUT ROWID;
        CREATE INDEX conversations_updated ON conversations (updated);
        CREATE TABLE messages (
          caller TEXT NOT NULL, conversation TEXT NOT NULL, position INTEGER NOT NULL, json TEXT NOT NULL,
          PRIMARY KEY (caller, conversation, position)) WITHOUT ROWID;
        """,
    ];
}
