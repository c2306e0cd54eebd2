-- How far the log was looked through for a webhook.
CREATE TABLE webhook (
    name TEXT NOT NULL PRIMARY KEY,
    -- The number of the next entry.
    position BIGINT NOT NULL
);
-- What webhooks have still to be told.
CREATE TABLE webhook_message (
    id TEXT NOT NULL PRIMARY KEY,
    webhook TEXT NOT NULL,
    -- JSON.
    body BYTEA NOT NULL,
    created BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is tried next; a node that tries has it until then.
    next BIGINT NOT NULL
);
CREATE INDEX webhook_message_by_time ON webhook_message (webhook, next);
