-- Finished calls with their durations and results. A row is written in the transaction of the call's last event, so that
-- an ended call is here exactly once.
create table finished_call (
    id text primary key,
    ended_at integer not null,
    pbx_id text not null,
    line_id text not null,
    conversation_id text not null,
    direction text not null,
    result text not null,
    -- The digits of every number of the call, each between bars.
    numbers text not null,
    body text not null
) strict;

-- Every filter is judged on an index; only the rows of a page are read.
create index finished_call_time on finished_call (ended_at, id, line_id, pbx_id, direction, result, numbers);
create index finished_call_line on finished_call (line_id, ended_at, id, direction, result, numbers);
create index finished_call_conversation on finished_call (conversation_id, ended_at, id);

-- What a living call has been through: who made it, since when it rings, who answered it.
alter table live_call add column life text not null default '{}';

-- Times in which a PBX was not seen. The one that lasts has no end.
create table blind (
    id integer primary key,
    pbx_id text not null,
    since integer not null,
    until integer,
    cause text not null,
    reason text not null
) strict;

create unique index blind_now on blind (pbx_id) where until is null;
create index blind_time on blind (since);
