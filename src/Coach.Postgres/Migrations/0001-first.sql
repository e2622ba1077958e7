-- Moments are UTC ticks of 100 ns since the year 1, as the program counts them: nothing is rounded on the way.
-- Texts that people or providers choose are UTF-8 bytes: no character is refused, and the order is ordinal.

CREATE TABLE {schema}.payment_record (
  tag bytea PRIMARY KEY,
  version bigint NOT NULL,
  lease_token bigint NOT NULL,
  lease_expires_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  state smallint NOT NULL,
  link_id bytea,
  owner bytea,
  is_open boolean NOT NULL,
  expires_at bigint,
  due_at bigint,
  oldest_pending_at bigint,
  has_dead boolean NOT NULL,
  fee_unknown_at bigint,
  is_forgettable boolean NOT NULL,
  body bytea NOT NULL
);
CREATE INDEX payment_record_link ON {schema}.payment_record (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX payment_record_owner ON {schema}.payment_record (owner, created_at, tag) WHERE owner IS NOT NULL;
CREATE INDEX payment_record_open ON {schema}.payment_record (created_at, tag) WHERE is_open;
CREATE INDEX payment_record_expiring ON {schema}.payment_record (expires_at, tag) WHERE is_open AND expires_at IS NOT NULL;
CREATE INDEX payment_record_due ON {schema}.payment_record (due_at, tag) WHERE due_at IS NOT NULL;
CREATE INDEX payment_record_dead ON {schema}.payment_record (tag) WHERE has_dead;
CREATE INDEX payment_record_feeless ON {schema}.payment_record (fee_unknown_at, tag) WHERE fee_unknown_at IS NOT NULL;
CREATE INDEX payment_record_unsettled ON {schema}.payment_record (updated_at) WHERE state = 1;
CREATE INDEX payment_record_updated ON {schema}.payment_record (updated_at) WHERE is_forgettable;

CREATE TABLE {schema}.payment_id (
  id bytea NOT NULL,
  tag bytea NOT NULL REFERENCES {schema}.payment_record (tag) ON DELETE CASCADE,
  PRIMARY KEY (id, tag)
);
CREATE INDEX payment_id_tag ON {schema}.payment_id (tag);

CREATE TABLE {schema}.payment_event (
  id bytea PRIMARY KEY,
  seen_at bigint NOT NULL
);
CREATE INDEX payment_event_seen ON {schema}.payment_event (seen_at);

CREATE TABLE {schema}.tab (
  owner bytea NOT NULL,
  id bytea NOT NULL,
  version bigint NOT NULL,
  updated_at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (owner, id)
);

CREATE TABLE {schema}.conversation (
  caller bytea NOT NULL,
  id bytea NOT NULL,
  title bytea,
  updated_at bigint NOT NULL,
  used_at bigint NOT NULL,
  PRIMARY KEY (caller, id)
);
CREATE INDEX conversation_used ON {schema}.conversation (used_at);

CREATE TABLE {schema}.message (
  caller bytea NOT NULL,
  conversation bytea NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  is_question boolean NOT NULL,
  length integer NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (caller, conversation, seq),
  FOREIGN KEY (caller, conversation) REFERENCES {schema}.conversation (caller, id) ON DELETE CASCADE
);

CREATE TABLE {schema}.job (
  id bytea PRIMARY KEY,
  queue bytea NOT NULL,
  caller bytea NOT NULL,
  payload bytea NOT NULL,
  created_at bigint NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  state smallint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  token bigint NOT NULL DEFAULT 0,
  lease_until bigint,
  started_at bigint,
  ended_at bigint,
  result bytea,
  error_code text
);
CREATE INDEX job_waiting ON {schema}.job (queue, created_at, seq) WHERE state < 2;
CREATE INDEX job_caller ON {schema}.job (caller, created_at);
CREATE INDEX job_ended ON {schema}.job (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE {schema}.ended_session (
  session bytea PRIMARY KEY,
  until bigint NOT NULL
);
CREATE INDEX ended_session_until ON {schema}.ended_session (until);

CREATE TABLE {schema}.cache (
  key bytea PRIMARY KEY,
  value bytea NOT NULL,
  expires_at bigint NOT NULL,
  sliding bigint,
  absolute_at bigint
);
CREATE INDEX cache_expires ON {schema}.cache (expires_at);

CREATE TABLE {schema}.embedding (
  key bytea PRIMARY KEY,
  vector bytea NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE {schema}.key_ring (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name bytea,
  xml text NOT NULL
);
