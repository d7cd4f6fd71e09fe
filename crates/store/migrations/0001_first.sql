-- What is remembered. Bodies are JSON of plain data (ADR 0002); columns beside them are what is
-- looked up, kept unique or ordered by.

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Numbers that only rise.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('event', 0), ('generation', 0);

CREATE TABLE administrators (
    name TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    administrator TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    request TEXT NOT NULL,
    result TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);

CREATE TABLE providers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);

-- How a provider's agent stands with the server: not a wish, so apart from it.
CREATE TABLE contacts (
    provider TEXT PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    body TEXT NOT NULL
);

-- The last report of each agent in which more than a number changed.
CREATE TABLE reports (
    provider TEXT PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    body TEXT NOT NULL
);

CREATE TABLE enrolment_tokens (
    token_hash TEXT PRIMARY KEY,
    provider TEXT NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_by TEXT
);

CREATE TABLE assignments (
    provider TEXT PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE templates (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);

CREATE TABLE versions (
    template TEXT NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (template, number)
);

CREATE TABLE members (
    template TEXT NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    provider TEXT NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    PRIMARY KEY (template, provider)
);

-- A manifest in parts: a database takes no value of a gigabyte.
CREATE TABLE manifests (
    digest TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (digest, part)
);

CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);

-- Addresses of network cards in use: no two hosts share one.
CREATE TABLE macs (
    mac TEXT PRIMARY KEY,
    host TEXT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE
);

CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    ended BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX operations_waiting ON operations (ended, created_at);

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    body TEXT NOT NULL
);
