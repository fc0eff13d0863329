//! What `GET /` says.

/// The guide.
pub(super) const TEXT: &str = "\
The control API of the CME twin. Bodies are JSON; errors are {\"error\": \"...\"}.
{phone} is an ephone tag or a MAC, {number} a number or number@phone.

Look
  GET    /truth                       calls, phones, lines, sessions, registrations
  GET    /system                      the configuration of the router
  GET    /violations                  what the client did wrong   (DELETE empties)
  GET    /requests                    what was asked: counts and times   (DELETE starts again)

At the phones
  POST   /phones/{phone}/dial         {\"to\": \"202\", \"line\": \"201\"}   line is the first one if missing
  POST   /lines/{number}/dial         {\"to\": \"202\"}
         the same two forms with: off-hook, digits {\"digits\"}, answer, hang-up, hold, retrieve, alternate,
         transfer {\"to\"}, complete-transfer, blind-transfer {\"to\"}, reconnect, conference, deflect {\"to\"}
  PUT    /phones/{phone}/dnd          {\"on\": true}
  PUT    /lines/{number}/forward      {\"kind\": \"all|busy|no-answer\", \"to\": \"202\", \"seconds\": 20}   \"to\": \"\" ends it
  POST   /phones/{phone}/register     a phone registers
  POST   /phones/{phone}/unregister   a phone unregisters
  POST   /phones/{phone}/die          a phone lost its power, and the router noticed
  POST   /phones/{phone}/lose-power   the same, noticed after limits.power_loss
  POST   /phones/{phone}/login        {\"user\": \"eli\"}
  POST   /users/{user}/logout

Beyond the trunk (numbers that begin with 0)
  POST   /trunk/calls                 {\"from\": \"0301234\", \"to\": \"201\"}
  POST   /trunk/calls/{gcid}/{action} ring, answer, busy, hang-up

The router
  GET    /faults                      PUT replaces them all; {} = none
  GET    /behaviour                   PUT changes the fields that are given (release, codes, time limits)
  GET    /xml/knobs                   PUT changes the fields that are given
  POST   /reload                      {\"down_ms\": 3000}   restart
  POST   /cti/shutdown                {\"on\": true}
  POST   /cti/basic                   {\"on\": true}   cti csta mode basic
  POST   /cti/status                  {\"status\": \"overloadReached\"}   tells all sessions
  POST   /cti/reference               another reference identifier
  POST   /sessions/{number}/clear     BYE
  POST   /sessions/{number}/lose      forgotten without a word
  POST   /sessions/{number}/stop-monitors
  POST   /sessions/{number}/inject    {\"method\": \"OPTIONS\", \"content_type\": \"\", \"body\": \"\"}   any request in the dialog;
                                      statuses of the answers are in /requests
  POST   /phones/{phone}/flood        {\"events\": 1000}
  POST   /connections/kill            close TCP; also /connections/reset and /connections/half-open
  POST   /stop                        end the twin
";
