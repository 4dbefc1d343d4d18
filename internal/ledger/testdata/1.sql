-- A ledger as version 1 of the schema keeps it.

PRAGMA foreign_keys = OFF;
CREATE TABLE conditions (
	subject TEXT    PRIMARY KEY,
	state   TEXT    NOT NULL,
	since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "conditions" VALUES('drift of payments','drifted',1772366820000);
CREATE TABLE deliveries (
	forge TEXT    NOT NULL,
	id    TEXT    NOT NULL,
	at    INTEGER NOT NULL,
	PRIMARY KEY (forge, id)
) STRICT, WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('github','72d3162e',1772366640000);
CREATE TABLE drifts (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	fleet   TEXT    NOT NULL,
	address TEXT    NOT NULL,
	fields  TEXT    NOT NULL, -- a JSON list, or null
	found   INTEGER NOT NULL,
	healed  INTEGER NOT NULL DEFAULT 0,
	run     INTEGER REFERENCES runs (id) ON DELETE SET NULL
) STRICT;
INSERT INTO "drifts" VALUES(1,'payments','listener/a','["port"]',1772366520000,1772366580000,1);
INSERT INTO "drifts" VALUES(2,'payments','service/b','null',1772366520000,0,1);
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
INSERT INTO "jobs" VALUES(1,'push','payments','refs/heads/main','','decaf',1772366640000,1772366700000,0,'',0,'');
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
INSERT INTO "notices" VALUES(1,'slack','drift of payments',X'66726F6D2020746F2064726966746564',1772366820000,0,0,'',0,'');
CREATE TABLE pauses (
	fleet   TEXT    NOT NULL,
	service TEXT    NOT NULL, -- '' is the whole fleet
	reason  TEXT    NOT NULL,
	who     TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	PRIMARY KEY (fleet, service)
) STRICT, WITHOUT ROWID;
INSERT INTO "pauses" VALUES('payments','fraud','a partner moves','alice',1772366760000);
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
INSERT INTO "runs" VALUES(1,'payments','apply','c0ffee','fraud: a second zone','refs/heads/main',12,1772366400000,1772366460000,'done','PN6TCNUJ7KWO3AVZCBADEW2DBR','sha256:12',1,2,3,4,5,6,'',X'7B227374657073223A5B5D7D');
CREATE TABLE waits (
	fleet   TEXT    NOT NULL,
	address TEXT    NOT NULL,
	blocked INTEGER NOT NULL,
	what    TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	PRIMARY KEY (fleet, address, blocked, what)
) STRICT, WITHOUT ROWID;
INSERT INTO "waits" VALUES('payments','connection/a',0,'the partner to connect',1772366520000);
CREATE INDEX runs_of_fleet ON runs (fleet, kind, id);
CREATE INDEX runs_running ON runs (process) WHERE outcome = 'running';
CREATE UNIQUE INDEX drifts_open ON drifts (fleet, address) WHERE healed = 0;
CREATE INDEX drifts_of_run ON drifts (run);
CREATE UNIQUE INDEX jobs_running ON jobs (fleet, lane) WHERE process <> '';
CREATE UNIQUE INDEX jobs_waiting ON jobs (kind, fleet, key) WHERE process = '';
CREATE INDEX jobs_in_order ON jobs (enqueued, id) WHERE process = '';
CREATE INDEX notices_unsent ON notices (channel, id) WHERE sent = 0;
CREATE UNIQUE INDEX notices_in_flight ON notices (channel) WHERE process <> '';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',1);
INSERT INTO "sqlite_sequence" VALUES('drifts',2);
INSERT INTO "sqlite_sequence" VALUES('jobs',1);
INSERT INTO "sqlite_sequence" VALUES('notices',1);
PRAGMA user_version = 1;
PRAGMA application_id = 1819175782;
