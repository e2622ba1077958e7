-- An account's chain is written under the lock of its row; a transaction locks its two accounts in the order of their ids.

CREATE TABLE {schema}.ledger_account (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pseudonym bytea NOT NULL UNIQUE,
  name bytea UNIQUE,
  sequence bigint NOT NULL DEFAULT 0,
  hash text NOT NULL DEFAULT '',
  checkpoint text NOT NULL DEFAULT ''
);

CREATE TABLE {schema}.ledger_balance (
  account bigint NOT NULL,
  currency text NOT NULL,
  micros bigint NOT NULL,
  PRIMARY KEY (account, currency)
);

CREATE TABLE {schema}.ledger_entry (
  account bigint NOT NULL,
  sequence bigint NOT NULL,
  contra bytea NOT NULL,
  key bytea NOT NULL,
  kind smallint NOT NULL,
  micros bigint NOT NULL,
  currency text NOT NULL,
  at_ms bigint NOT NULL,
  flags smallint NOT NULL,
  provider bytea NOT NULL,
  model bytea NOT NULL,
  counts bigint[],
  outcome smallint NOT NULL,
  reference bytea NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (account, sequence)
);

CREATE TABLE {schema}.ledger_key (
  key bytea PRIMARY KEY,
  account bigint NOT NULL,
  sequence bigint NOT NULL,
  kind smallint NOT NULL,
  micros bigint NOT NULL,
  currency text NOT NULL,
  reference bytea NOT NULL
);

-- The head stands apart from the entries: who cuts the end of the log off is found out.
CREATE TABLE {schema}.audit_head (
  id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  sequence bigint NOT NULL,
  hash text NOT NULL,
  subject_key bytea NOT NULL
);

CREATE TABLE {schema}.audit_entry (
  sequence bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  kind smallint NOT NULL,
  subject text NOT NULL,
  name bytea NOT NULL,
  detail bytea NOT NULL,
  micros bigint NOT NULL,
  reference bytea NOT NULL,
  hash text NOT NULL
);
