-- Running it for years: tokens of scripts, the audit trail, what is not well and who is told of it.

CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);

-- Who changed what. Numbered like events; a number is never given twice.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
INSERT INTO counters (name, value) VALUES ('audit', 0);

-- What is not well now, so that a restart tells nobody twice.
CREATE TABLE alarms (
    key TEXT PRIMARY KEY,
    raised_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- By which ways people are told.
CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

-- What is still to be sent by each way.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL REFERENCES channels (name) ON DELETE CASCADE,
    due_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX notices_by_time ON notices (due_at);
