-- What schema 3 adds: finished calls, and a time in which the router was not seen.
insert into finished_call (id, ended_at, pbx_id, line_id, conversation_id, direction, result, numbers, body) values
    ('call_01a215f0e51e7312952a8117624ba728', 1795664450568, 'pbx_01a215f0b9e47251b08926795704bd61',
     'line_01a215f0baa7734d80b6877d04691c7f', 'conv_01a215f0e51e7312952a81168ef6c833', 'inbound', 'answered', '|208|201|',
     '{"id":"call_01a215f0e51e7312952a8117624ba728","result":"answered","ring_s":2.004,"talk_s":10.007}');
insert into blind (id, pbx_id, since, until, cause, reason) values
    (1, 'pbx_01a215f0b9e47251b08926795704bd61', 1795664427504, 1795664428543, 'link_down', 'It is starting.');
