-- A decision locks its counters in the order of their names. What is reserved on one is the sum of charges whose lease
-- holds: a lease that ended counts no more, and nobody need sweep it.

CREATE TABLE {schema}.budget_counter (
  name bytea PRIMARY KEY,
  settled bigint NOT NULL DEFAULT 0,
  resets_at bigint
);
CREATE INDEX budget_counter_over ON {schema}.budget_counter (resets_at) WHERE resets_at IS NOT NULL;

CREATE TABLE {schema}.budget_reservation (
  id bytea PRIMARY KEY,
  is_open boolean NOT NULL,
  due bigint NOT NULL
);
CREATE INDEX budget_reservation_due ON {schema}.budget_reservation (due);

CREATE TABLE {schema}.budget_charge (
  counter bytea NOT NULL,
  reservation bytea NOT NULL,
  place integer NOT NULL,
  amount bigint NOT NULL,
  most bigint NOT NULL,
  resets_at bigint,
  due bigint NOT NULL,
  PRIMARY KEY (counter, reservation)
);
CREATE INDEX budget_charge_reservation ON {schema}.budget_charge (reservation);

CREATE FUNCTION {schema}.budget_now(a_ahead bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 621355968000000000 + a_ahead
$$;

CREATE FUNCTION {schema}.budget_lock(a_counters bytea[], a_resets bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  held integer;
BEGIN
  LOOP
    INSERT INTO {schema}.budget_counter (name, resets_at)
    SELECT given.name, given.resets_at FROM unnest(a_counters, a_resets) AS given (name, resets_at) ORDER BY given.name
    ON CONFLICT DO NOTHING;
    SELECT count(*) INTO held FROM (
      SELECT 1 FROM {schema}.budget_counter WHERE name = ANY(a_counters) ORDER BY name FOR UPDATE) AS locked;
    EXIT WHEN held = cardinality(a_counters); -- one that was just removed as over is made again
  END LOOP;
END
$$;

CREATE FUNCTION {schema}.budget_reserve(
  a_ahead bigint, a_id bytea, a_counters bytea[], a_amounts bigint[], a_most bigint[], a_resets bigint[], a_lease bigint,
  OUT o_refused integer, OUT o_settled bigint[], OUT o_reserved bigint[]) LANGUAGE plpgsql AS $$
DECLARE
  at bigint;
BEGIN
  PERFORM {schema}.budget_lock(a_counters, a_resets);
  at := {schema}.budget_now(a_ahead);
  o_refused := -1;
  SELECT array_agg(c.settled ORDER BY asked.place), array_agg(least(coalesce((
      SELECT sum(b.amount) FROM {schema}.budget_charge b WHERE b.counter = asked.name AND b.due > at
    ), 0), 9223372036854775807)::bigint ORDER BY asked.place)
  INTO o_settled, o_reserved
  FROM unnest(a_counters) WITH ORDINALITY AS asked (name, place)
  JOIN {schema}.budget_counter c ON c.name = asked.name;
  IF EXISTS (SELECT 1 FROM {schema}.budget_reservation r WHERE r.id = a_id AND r.is_open AND r.due > at) THEN
    RETURN;
  END IF;
  FOR i IN 1 .. cardinality(a_counters) LOOP
    IF o_settled[i]::numeric + o_reserved[i] + a_amounts[i] > a_most[i] THEN
      o_refused := i - 1;
      RETURN;
    END IF;
  END LOOP;
  INSERT INTO {schema}.budget_reservation AS r (id, is_open, due) VALUES (a_id, true, at + a_lease)
  ON CONFLICT (id) DO UPDATE SET is_open = true, due = excluded.due;
  DELETE FROM {schema}.budget_charge b WHERE b.reservation = a_id;
  INSERT INTO {schema}.budget_charge (counter, reservation, place, amount, most, resets_at, due)
  SELECT given.name, a_id, given.place, given.amount, given.most, given.resets_at, at + a_lease
  FROM unnest(a_counters, a_amounts, a_most, a_resets) WITH ORDINALITY
    AS given (name, amount, most, resets_at, place);
  FOR i IN 1 .. cardinality(a_counters) LOOP
    o_reserved[i] := o_reserved[i] + a_amounts[i];
  END LOOP;
END
$$;

CREATE FUNCTION {schema}.budget_settle(
  a_ahead bigint, a_id bytea, a_counters bytea[], a_amounts bigint[], a_resets bigint[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM {schema}.budget_lock(a_counters, a_resets);
  INSERT INTO {schema}.budget_reservation AS r (id, is_open, due) VALUES (a_id, false, {schema}.budget_now(a_ahead))
  ON CONFLICT (id) DO UPDATE SET is_open = false, due = excluded.due WHERE r.is_open;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM {schema}.budget_charge b WHERE b.reservation = a_id;
  UPDATE {schema}.budget_counter c SET settled = least(c.settled::numeric + given.amount, 9223372036854775807)::bigint
  FROM unnest(a_counters, a_amounts) AS given (name, amount) WHERE c.name = given.name;
  RETURN true;
END
$$;

CREATE FUNCTION {schema}.budget_release(a_ahead bigint, a_id bytea) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  until bigint;
BEGIN
  SELECT r.due INTO until FROM {schema}.budget_reservation r WHERE r.id = a_id AND r.is_open FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE {schema}.budget_reservation r SET is_open = false, due = {schema}.budget_now(a_ahead) WHERE r.id = a_id;
  DELETE FROM {schema}.budget_charge b WHERE b.reservation = a_id;
  RETURN until > {schema}.budget_now(a_ahead);
END
$$;

CREATE FUNCTION {schema}.budget_renew(a_ahead bigint, a_id bytea, a_lease bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  at bigint;
BEGIN
  PERFORM 1 FROM {schema}.budget_reservation r WHERE r.id = a_id AND r.is_open FOR UPDATE;
  at := {schema}.budget_now(a_ahead);
  UPDATE {schema}.budget_reservation r SET due = at + a_lease WHERE r.id = a_id AND r.is_open AND r.due > at;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE {schema}.budget_charge b SET due = at + a_lease WHERE b.reservation = a_id;
  RETURN true;
END
$$;
