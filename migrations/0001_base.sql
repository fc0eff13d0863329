-- Facts about the database itself: epoch of the journal, boot id, counters.
create table meta (
    key text primary key,
    value text not null
) strict;

-- One row a router. Settings are the JSON of the API; passwords are encrypted and never part of it.
create table pbx (
    id text primary key,
    name text not null unique,
    settings text not null,
    axl_password blob,
    sip_password blob,
    version integer not null
) strict;

-- tapi_id is permanent: it comes from a counter in meta that only rises, so that a deleted line's number is never
-- given again (Windows programs remember it).
create table line (
    id text primary key,
    tapi_id integer not null unique,
    pbx_id text not null references pbx (id) on delete cascade,
    number text not null,
    device_id text,
    body text not null,
    version integer not null
) strict;

create unique index line_identity on line (pbx_id, number, coalesce(device_id, ''));

-- Tokens are kept as SHA-256: whoever reads the database cannot use them.
create table token (
    id text primary key,
    name text not null,
    hash blob not null unique,
    scopes text not null,
    lines text,
    created_at integer not null,
    expires_at integer
) strict;

-- Small things that the gateway learns: dialects, load hints, fingerprints.
create table setting (
    key text primary key,
    value text not null
) strict;

-- First answers of commands that carried an Idempotency-Key. A row without an answer belongs to a command that was
-- under way when the process died: nobody knows what it did.
create table idempotency (
    token_id text not null,
    key text not null,
    body_hash blob not null,
    created_at integer not null,
    status integer,
    headers text,
    body blob,
    primary key (token_id, key)
) strict;
