-- Every change, with the bytes that readers get. seq has no holes within an epoch.
create table event (
    seq integer primary key,
    at integer not null,
    event text not null,
    pbx_id text,
    line_id text,
    call_id text,
    frame blob not null
) strict;

-- The last state of every living call, written together with its event: what a restart begins with.
create table live_call (
    id text primary key,
    body text not null
) strict;
