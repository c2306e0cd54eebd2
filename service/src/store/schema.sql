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
-- Lint reports that entries of the log name.
CREATE TABLE report (
    sha256 TEXT NOT NULL PRIMARY KEY,
    -- JSON.
    content BYTEA NOT NULL,
    created BIGINT NOT NULL
);
-- What keys of the clients' choice stood for.
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    created BIGINT NOT NULL,
    answer BYTEA,
    entry BIGINT,
    PRIMARY KEY (principal, idempotency_key)
);
-- Files that wait for the consent of people, and what became of them.
CREATE TABLE request (
    id TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    -- JSON.
    claims TEXT NOT NULL,
    profile TEXT NOT NULL,
    -- pending, approved, signed, refused, rejected, cancelled, expired
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    -- JSON: how it is to be signed.
    manner TEXT NOT NULL,
    -- Hash of the lint report.
    report TEXT NOT NULL,
    -- How many people have to agree.
    needed BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    decided BIGINT,
    -- Which node signs it, and until when nobody else tries.
    node TEXT,
    lease_until BIGINT NOT NULL,
    -- JSON: the patch.
    patch BYTEA,
    -- The entry of the signature.
    entry BIGINT
);
CREATE INDEX request_by_state ON request (state, lease_until);
-- Who agreed or did not.
CREATE TABLE vote (
    request TEXT NOT NULL REFERENCES request (id),
    principal TEXT NOT NULL,
    agrees BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (request, principal)
);
-- Times in which a principal signs without a request.
CREATE TABLE approval_window (
    id TEXT NOT NULL PRIMARY KEY,
    profile TEXT NOT NULL,
    principal TEXT NOT NULL,
    begins BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    most BIGINT NOT NULL,
    used BIGINT NOT NULL,
    reason TEXT NOT NULL,
    needed BIGINT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT
);
CREATE TABLE window_vote (
    approval_window TEXT NOT NULL REFERENCES approval_window (id),
    principal TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (approval_window, principal)
);
