-- What a gateway of schema 1 had: a router with two lines, a token, what was learned, an answered key.
insert into meta (key, value) values ('tapi_id', '2');
insert into pbx (id, name, settings, version) values ('pbx_01a215f0b9e47251b08926795704bd61', 'hq',
    '{"name":"hq","enabled":true,"host":"192.0.2.10","sip":{"port":5060,"local_port":5070},"axl":{"username":"ctigw"},"dialect":{"register.mode":"never"}}', 4);
insert into line (id, tapi_id, pbx_id, number, device_id, body, version) values
    ('line_01a215f0baa7734d80b6877d04691c7f', 1, 'pbx_01a215f0b9e47251b08926795704bd61', '201', '00AA11BB0001',
     '{"name":"Anna Berg","kind":"static","source":"pbx","enabled":true,"buttons":["204"],"labels":{"crm":"anna"},"missing_since":null}', 2),
    ('line_01a215f0baa7734d80b6877edc538f5f', 2, 'pbx_01a215f0b9e47251b08926795704bd61', '205', null,
     '{"name":"Eli Frank","kind":"extension_mobility","source":"pbx","enabled":false,"buttons":[],"labels":{},"missing_since":null}', 1);
insert into token (id, name, hash, scopes, lines, created_at, expires_at) values
    ('tok_01a215f0b9e47251b08926795704bd62', 'crm', x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
     'control', 'line_01a215f0baa7734d80b6877d04691c7f', 1795664438558, null);
insert into setting (key, value) values ('axl.hints/pbx_01a215f0b9e47251b08926795704bd61', '{"version":"8.6"}');
insert into idempotency (token_id, key, body_hash, created_at, status, headers, body) values
    ('tok_01a215f0b9e47251b08926795704bd62', 'once', x'00', 1795664438558, 201, '{}', x'7b7d');
