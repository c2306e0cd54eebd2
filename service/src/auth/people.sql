-- Approvals count people, who may have several credentials.
ALTER TABLE token ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE token SET person = 'person:' || name;
ALTER TABLE request ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE request SET person = COALESCE(
    (SELECT token.person FROM token WHERE 'token:' || token.id = request.principal), principal);
ALTER TABLE vote ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE vote SET person = COALESCE(
    (SELECT token.person FROM token WHERE 'token:' || token.id = vote.principal), principal);
ALTER TABLE window_vote ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE window_vote SET person = COALESCE(
    (SELECT token.person FROM token WHERE 'token:' || token.id = window_vote.principal), principal);
