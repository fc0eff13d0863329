-- The number rules of each PBX, every version of the last ones: the newest is the one that counts.
create table number_rules (
    pbx_id text not null references pbx (id) on delete cascade,
    version integer not null,
    at integer not null,
    actor text not null,
    body text not null,
    primary key (pbx_id, version)
) strict;
