-- What schema 4 adds: number rules with their versions.
insert into number_rules (pbx_id, version, at, actor, body) values
    ('pbx_01a215f0b9e47251b08926795704bd61', 1, 1795664438558, 'crm', '{"incoming":[],"outgoing":[],"dialing":[]}'),
    ('pbx_01a215f0b9e47251b08926795704bd61', 2, 1795664438559, 'crm',
     '{"incoming":[{"search":"^0(.*)","replace":"\\1"}],"outgoing":[],"dialing":[]}');
