-- Times are milliseconds since 1970 in UTC; 0 is never. A process is the name
-- of an open ledger (see process.go); '' is that none has the row.

CREATE TABLE runs (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	fleet    TEXT    NOT NULL,
	kind     TEXT    NOT NULL,
	hash     TEXT    NOT NULL, -- of the commit
	subject  TEXT    NOT NULL,
	ref      TEXT    NOT NULL,
	pull     INTEGER NOT NULL,
	began    INTEGER NOT NULL,
	ended    INTEGER NOT NULL DEFAULT 0,
	outcome  TEXT    NOT NULL,
	process  TEXT    NOT NULL,
	digest   TEXT    NOT NULL DEFAULT '',
	created  INTEGER NOT NULL DEFAULT 0,
	changed  INTEGER NOT NULL DEFAULT 0,
	replaced INTEGER NOT NULL DEFAULT 0,
	deleted  INTEGER NOT NULL DEFAULT 0,
	blocked  INTEGER NOT NULL DEFAULT 0,
	waiting  INTEGER NOT NULL DEFAULT 0,
	error    TEXT    NOT NULL DEFAULT '',
	report   BLOB -- last, so that lists of runs do not read it
) STRICT;
CREATE INDEX runs_of_fleet ON runs (fleet, kind, id);
CREATE INDEX runs_running ON runs (process) WHERE outcome = 'running';

CREATE TABLE drifts (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	fleet   TEXT    NOT NULL,
	address TEXT    NOT NULL,
	fields  TEXT    NOT NULL, -- a JSON list, or null
	found   INTEGER NOT NULL,
	healed  INTEGER NOT NULL DEFAULT 0,
	run     INTEGER REFERENCES runs (id) ON DELETE SET NULL
) STRICT;
CREATE UNIQUE INDEX drifts_open ON drifts (fleet, address) WHERE healed = 0;
CREATE INDEX drifts_of_run ON drifts (run);

CREATE TABLE waits (
	fleet   TEXT    NOT NULL,
	address TEXT    NOT NULL,
	blocked INTEGER NOT NULL,
	what    TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	PRIMARY KEY (fleet, address, blocked, what)
) STRICT, WITHOUT ROWID;

-- Of jobs with one (fleet, lane), one runs at a time; of one (kind, fleet,
-- key), one waits.
CREATE TABLE jobs (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	kind       TEXT    NOT NULL,
	fleet      TEXT    NOT NULL,
	key        TEXT    NOT NULL,
	lane       TEXT    NOT NULL,
	hash       TEXT    NOT NULL, -- of the commit
	enqueued   INTEGER NOT NULL,
	not_before INTEGER NOT NULL,
	attempts   INTEGER NOT NULL DEFAULT 0,
	error      TEXT    NOT NULL DEFAULT '',
	taken      INTEGER NOT NULL DEFAULT 0,
	process    TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX jobs_running ON jobs (fleet, lane) WHERE process <> '';
CREATE UNIQUE INDEX jobs_waiting ON jobs (kind, fleet, key) WHERE process = '';
CREATE INDEX jobs_in_order ON jobs (enqueued, id) WHERE process = '';

CREATE TABLE deliveries (
	forge TEXT    NOT NULL,
	id    TEXT    NOT NULL,
	at    INTEGER NOT NULL,
	PRIMARY KEY (forge, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pauses (
	fleet   TEXT    NOT NULL,
	service TEXT    NOT NULL, -- '' is the whole fleet
	reason  TEXT    NOT NULL,
	who     TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	PRIMARY KEY (fleet, service)
) STRICT, WITHOUT ROWID;

CREATE TABLE conditions (
	subject TEXT    PRIMARY KEY,
	state   TEXT    NOT NULL,
	since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of the notices of one channel, one is being sent at a time.
CREATE TABLE notices (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	channel    TEXT    NOT NULL,
	subject    TEXT    NOT NULL,
	body       BLOB    NOT NULL,
	at         INTEGER NOT NULL,
	not_before INTEGER NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	error      TEXT    NOT NULL DEFAULT '',
	sent       INTEGER NOT NULL DEFAULT 0,
	process    TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX notices_unsent ON notices (channel, id) WHERE sent = 0;
CREATE UNIQUE INDEX notices_in_flight ON notices (channel) WHERE process <> '';
