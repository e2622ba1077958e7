namespace Memo.Data;

/// <summary>The schema by versions: one list for SQLite and PostgreSQL; times are milliseconds since 1970.</summary>
internal static class Schema
{
    public static readonly IReadOnlyList<string> Migrations =
    [
        """
        CREATE TABLE users (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, normalized TEXT NOT NULL UNIQUE, password_hash TEXT,
            stamp TEXT NOT NULL, is_admin BIGINT NOT NULL, failed BIGINT NOT NULL, lockout_end BIGINT,
            created BIGINT NOT NULL);
        CREATE TABLE sessions (
            hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, csrf TEXT NOT NULL, created BIGINT NOT NULL,
            used BIGINT NOT NULL);
        CREATE INDEX sessions_user ON sessions (user_id, used);
        CREATE TABLE evaluations (
            id TEXT PRIMARY KEY, user_id TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL,
            upload TEXT, is_mock BIGINT NOT NULL, created BIGINT NOT NULL, started BIGINT, ended BIGINT,
            attempts BIGINT NOT NULL, token BIGINT NOT NULL, lease_until BIGINT NOT NULL, result TEXT,
            error_code TEXT, error_message TEXT, cost_micro BIGINT NOT NULL, reserved_micro BIGINT NOT NULL,
            prompt TEXT, answer TEXT);
        CREATE INDEX evaluations_user ON evaluations (user_id, created);
        CREATE INDEX evaluations_status ON evaluations (status, created);
        CREATE TABLE charges (
            evaluation_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, at BIGINT NOT NULL, cost_micro BIGINT NOT NULL);
        CREATE INDEX charges_at ON charges (at);
        CREATE TABLE audit (
            id TEXT PRIMARY KEY, at BIGINT NOT NULL, user_name TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL);
        CREATE INDEX audit_at ON audit (at);
        """,
        """
        CREATE TABLE provider_keys (fingerprint TEXT PRIMARY KEY, provider TEXT NOT NULL, first_seen BIGINT NOT NULL);
        """,

        // What a job cost goes into the ledger of Coach.Usage from here, once; what stood in "charges" goes the same way.
        """
        CREATE TABLE settlements (
            evaluation_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, reserved_at BIGINT NOT NULL,
            reserved_micro BIGINT NOT NULL, calls TEXT NOT NULL);
        INSERT INTO settlements (evaluation_id, user_id, reserved_at, reserved_micro, calls)
            SELECT evaluation_id, user_id, at, cost_micro,
                '[{"Provider":"","Model":"","Counts":{"Requests":1},"CostMicro":' || cost_micro || '}]' FROM charges;
        DROP TABLE charges;
        """,
    ];

    /// <summary>The tables that hold data, in the order in which they are copied.</summary>
    public static readonly IReadOnlyList<(string Table, string[] Columns)> Tables =
    [
        ("users", ["id", "name", "normalized", "password_hash", "stamp", "is_admin", "failed", "lockout_end", "created"]),
        ("sessions", ["hash", "user_id", "csrf", "created", "used"]),
        ("evaluations",
        [
            "id", "user_id", "status", "text", "upload", "is_mock", "created", "started", "ended", "attempts", "token",
            "lease_until", "result", "error_code", "error_message", "cost_micro", "reserved_micro", "prompt", "answer",
        ]),
        ("settlements", ["evaluation_id", "user_id", "reserved_at", "reserved_micro", "calls"]),
        ("audit", ["id", "at", "user_name", "action", "subject"]),
        ("provider_keys", ["fingerprint", "provider", "first_seen"]),
    ];
}
