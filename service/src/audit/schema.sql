-- The log, one row from when it is opened first; whoever appends locks it.
CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY,
    -- Its name and public key.
    public_key TEXT NOT NULL,
    size BIGINT NOT NULL,
    -- The hashes of its perfect subtrees, from the left, 32 bytes each.
    frontier BYTEA NOT NULL
);
-- The entries, in order.
CREATE TABLE audit_entry (
    position BIGINT NOT NULL PRIMARY KEY,
    -- SHA-256(0 || entry)
    leaf BYTEA NOT NULL,
    entry BYTEA NOT NULL,
    profile TEXT
);
CREATE INDEX audit_entry_profile ON audit_entry (profile, position);
-- The hashes of full tiles: those of tile N of level L-1 are at position N of level L.
CREATE TABLE audit_tile (
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, position)
);
-- Which entries are about a file, by its SHA-256 in hexadecimal.
CREATE TABLE audit_digest (
    digest TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (digest, position)
);
-- What witnesses signed.
CREATE TABLE audit_cosignature (
    size BIGINT NOT NULL,
    witness TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (size, witness)
);
