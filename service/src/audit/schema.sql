-- The entries, in order.
CREATE TABLE audit_entry (
    position BIGINT NOT NULL PRIMARY KEY,
    entry BYTEA NOT NULL
);
-- One row; whoever appends locks it.
CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL
);
INSERT INTO audit_head (id, size) VALUES (0, 0);
