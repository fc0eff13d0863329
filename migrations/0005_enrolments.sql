-- Codes by which machines fetch tokens of their own. A code is kept as SHA-256, like a token; how often it was used is
-- counted in the transaction that makes the token.
create table enrolment (
    id text primary key,
    name text not null,
    hash blob not null unique,
    scopes text not null,
    lines text,
    uses integer not null,
    used integer not null default 0,
    created_at integer not null,
    expires_at integer not null
) strict;

-- Which code made a token. The token lives on when the code is taken back.
alter table token add column enrolment_id text;
