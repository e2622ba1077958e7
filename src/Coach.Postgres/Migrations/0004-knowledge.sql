-- Who computes a vector that nobody has kept yet: one at a time, until its lease ends.

CREATE TABLE {schema}.embedding_claim (
  key bytea PRIMARY KEY,
  until bigint NOT NULL
);

-- The log of documents. A write takes the next number of its knowledge base under the lock of its row: numbers are
-- committed in their order, and a reader that knows all up to one has missed none.

CREATE TABLE {schema}.knowledge_base (
  name bytea PRIMARY KEY,
  sequence bigint NOT NULL
);

CREATE TABLE {schema}.knowledge_document (
  base bytea NOT NULL,
  id bytea NOT NULL,
  sequence bigint NOT NULL,
  hash text NOT NULL,
  body bytea,
  PRIMARY KEY (base, id)
);
CREATE UNIQUE INDEX knowledge_document_feed ON {schema}.knowledge_document (base, sequence);
