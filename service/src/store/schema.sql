-- Tokens: what is kept of one is its hash.
CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the secret, hexadecimal.
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- JSON: what it may do.
    grants TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT
);
