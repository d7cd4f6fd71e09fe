-- Running it for years: tokens of scripts, the audit trail, what is not well and who is told of it.

CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    used_at BIGINT,
    used_from TEXT,
    body TEXT NOT NULL
);

-- Who changed what. Numbered like events; a number is never given twice.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    object TEXT NOT NULL,
    name TEXT NOT NULL,
    refused BOOLEAN NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_object ON audit (object, name);
CREATE INDEX audit_refused ON audit (refused, id);
INSERT INTO counters (name, value) VALUES ('audit', 0);

-- What is not well now, so that a restart tells nobody twice.
CREATE TABLE alarms (
    key TEXT PRIMARY KEY,
    raised_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- By which ways people are told; beside the wish, what they were told last.
CREATE TABLE notifications (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    state TEXT NOT NULL
);

-- What is still to be sent, by each way.
CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    notification TEXT NOT NULL REFERENCES notifications (name) ON DELETE CASCADE,
    due_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX messages_by_time ON messages (due_at);
