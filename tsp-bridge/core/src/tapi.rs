//! Constants of TAPI 2 and 3 as the headers have them; the error values are negative numbers.
#![expect(missing_docs, reason = "the names are those of tapi.h, where each is explained")]

/// Abilities of an address.
pub mod addr_cap {
    pub const FWDNUMRINGS: u32 = 0x1;
    pub const PICKUPGROUPID: u32 = 0x2;
    pub const SECURE: u32 = 0x4;
    pub const BLOCKIDDEFAULT: u32 = 0x8;
    pub const BLOCKIDOVERRIDE: u32 = 0x10;
    pub const DIALED: u32 = 0x20;
    pub const ORIGOFFHOOK: u32 = 0x40;
    pub const DESTOFFHOOK: u32 = 0x80;
    pub const FWDCONSULT: u32 = 0x100;
    pub const SETUPCONFNULL: u32 = 0x200;
    pub const AUTORECONNECT: u32 = 0x400;
    pub const COMPLETIONID: u32 = 0x800;
    pub const TRANSFERHELD: u32 = 0x1000;
    pub const TRANSFERMAKE: u32 = 0x2000;
    pub const CONFERENCEHELD: u32 = 0x4000;
    pub const CONFERENCEMAKE: u32 = 0x8000;
    pub const PARTIALDIAL: u32 = 0x10000;
    pub const FWDSTATUSVALID: u32 = 0x20000;
    pub const FWDINTEXTADDR: u32 = 0x40000;
    pub const FWDBUSYNAADDR: u32 = 0x80000;
    pub const ACCEPTTOALERT: u32 = 0x100000;
    pub const CONFDROP: u32 = 0x200000;
    pub const PICKUPCALLWAIT: u32 = 0x400000;
    pub const PREDICTIVEDIALER: u32 = 0x800000;
    pub const QUEUE: u32 = 0x1000000;
    pub const ROUTEPOINT: u32 = 0x2000000;
    pub const HOLDMAKESNEW: u32 = 0x4000000;
    pub const NOINTERNALCALLS: u32 = 0x8000000;
    pub const NOEXTERNALCALLS: u32 = 0x10000000;
    pub const SETCALLINGID: u32 = 0x20000000;
    pub const ACDGROUP: u32 = 0x40000000;
    pub const NOPSTNADDRESSTRANSLATION: u32 = 0x80000000;
}

/// What may be asked of an address.
pub mod addr_feature {
    pub const FORWARD: u32 = 0x1;
    pub const MAKECALL: u32 = 0x2;
    pub const PICKUP: u32 = 0x4;
    pub const SETMEDIACONTROL: u32 = 0x8;
    pub const SETTERMINAL: u32 = 0x10;
    pub const SETUPCONF: u32 = 0x20;
    pub const UNCOMPLETECALL: u32 = 0x40;
    pub const UNPARK: u32 = 0x80;
    pub const PICKUPHELD: u32 = 0x100;
    pub const PICKUPGROUP: u32 = 0x200;
    pub const PICKUPDIRECT: u32 = 0x400;
    pub const PICKUPWAITING: u32 = 0x800;
    pub const FORWARDFWD: u32 = 0x1000;
    pub const FORWARDDND: u32 = 0x2000;
}

/// States of an address.
pub mod addr_state {
    pub const OTHER: u32 = 0x1;
    pub const DEVSPECIFIC: u32 = 0x2;
    pub const INUSEZERO: u32 = 0x4;
    pub const INUSEONE: u32 = 0x8;
    pub const INUSEMANY: u32 = 0x10;
    pub const NUMCALLS: u32 = 0x20;
    pub const FORWARD: u32 = 0x40;
    pub const TERMINALS: u32 = 0x80;
    pub const CAPSCHANGE: u32 = 0x100;
}

/// States of a call.
pub mod call_state {
    pub const IDLE: u32 = 0x1;
    pub const OFFERING: u32 = 0x2;
    pub const ACCEPTED: u32 = 0x4;
    pub const DIALTONE: u32 = 0x8;
    pub const DIALING: u32 = 0x10;
    pub const RINGBACK: u32 = 0x20;
    pub const BUSY: u32 = 0x40;
    pub const SPECIALINFO: u32 = 0x80;
    pub const CONNECTED: u32 = 0x100;
    pub const PROCEEDING: u32 = 0x200;
    pub const ONHOLD: u32 = 0x400;
    pub const CONFERENCED: u32 = 0x800;
    pub const ONHOLDPENDCONF: u32 = 0x1000;
    pub const ONHOLDPENDTRANSFER: u32 = 0x2000;
    pub const DISCONNECTED: u32 = 0x4000;
    pub const UNKNOWN: u32 = 0x8000;
}

/// States of a line device.
pub mod dev_state {
    pub const OTHER: u32 = 0x1;
    pub const RINGING: u32 = 0x2;
    pub const CONNECTED: u32 = 0x4;
    pub const DISCONNECTED: u32 = 0x8;
    pub const MSGWAITON: u32 = 0x10;
    pub const MSGWAITOFF: u32 = 0x20;
    pub const INSERVICE: u32 = 0x40;
    pub const OUTOFSERVICE: u32 = 0x80;
    pub const MAINTENANCE: u32 = 0x100;
    pub const OPEN: u32 = 0x200;
    pub const CLOSE: u32 = 0x400;
    pub const NUMCALLS: u32 = 0x800;
    pub const NUMCOMPLETIONS: u32 = 0x1000;
    pub const TERMINALS: u32 = 0x2000;
    pub const ROAMMODE: u32 = 0x4000;
    pub const BATTERY: u32 = 0x8000;
    pub const SIGNAL: u32 = 0x10000;
    pub const DEVSPECIFIC: u32 = 0x20000;
    pub const REINIT: u32 = 0x40000;
    pub const LOCK: u32 = 0x80000;
    pub const CAPSCHANGE: u32 = 0x100000;
    pub const CONFIGCHANGE: u32 = 0x200000;
    pub const TRANSLATECHANGE: u32 = 0x400000;
    pub const COMPLCANCEL: u32 = 0x800000;
    pub const REMOVED: u32 = 0x1000000;
}

/// Why a call ended.
pub mod disconnect {
    pub const NORMAL: u32 = 0x1;
    pub const UNKNOWN: u32 = 0x2;
    pub const REJECT: u32 = 0x4;
    pub const PICKUP: u32 = 0x8;
    pub const FORWARDED: u32 = 0x10;
    pub const BUSY: u32 = 0x20;
    pub const NOANSWER: u32 = 0x40;
    pub const BADADDRESS: u32 = 0x80;
    pub const UNREACHABLE: u32 = 0x100;
    pub const CONGESTION: u32 = 0x200;
    pub const INCOMPATIBLE: u32 = 0x400;
    pub const UNAVAIL: u32 = 0x800;
    pub const NODIALTONE: u32 = 0x1000;
    pub const NUMBERCHANGED: u32 = 0x2000;
    pub const OUTOFORDER: u32 = 0x4000;
    pub const TEMPFAILURE: u32 = 0x8000;
    pub const QOSUNAVAIL: u32 = 0x10000;
    pub const BLOCKED: u32 = 0x20000;
    pub const DONOTDISTURB: u32 = 0x40000;
    pub const CANCELLED: u32 = 0x80000;
}

/// What may be asked of a call.
pub mod feature {
    pub const ACCEPT: u32 = 0x1;
    pub const ADDTOCONF: u32 = 0x2;
    pub const ANSWER: u32 = 0x4;
    pub const BLINDTRANSFER: u32 = 0x8;
    pub const COMPLETECALL: u32 = 0x10;
    pub const COMPLETETRANSF: u32 = 0x20;
    pub const DIAL: u32 = 0x40;
    pub const DROP: u32 = 0x80;
    pub const GATHERDIGITS: u32 = 0x100;
    pub const GENERATEDIGITS: u32 = 0x200;
    pub const GENERATETONE: u32 = 0x400;
    pub const HOLD: u32 = 0x800;
    pub const MONITORDIGITS: u32 = 0x1000;
    pub const MONITORMEDIA: u32 = 0x2000;
    pub const MONITORTONES: u32 = 0x4000;
    pub const PARK: u32 = 0x8000;
    pub const PREPAREADDCONF: u32 = 0x10000;
    pub const REDIRECT: u32 = 0x20000;
    pub const REMOVEFROMCONF: u32 = 0x40000;
    pub const SECURECALL: u32 = 0x80000;
    pub const SENDUSERUSER: u32 = 0x100000;
    pub const SETCALLPARAMS: u32 = 0x200000;
    pub const SETMEDIACONTROL: u32 = 0x400000;
    pub const SETTERMINAL: u32 = 0x800000;
    pub const SETUPCONF: u32 = 0x1000000;
    pub const SETUPTRANSFER: u32 = 0x2000000;
    pub const SWAPHOLD: u32 = 0x4000000;
    pub const UNHOLD: u32 = 0x8000000;
    pub const RELEASEUSERUSERINFO: u32 = 0x10000000;
    pub const SETTREATMENT: u32 = 0x20000000;
    pub const SETQOS: u32 = 0x40000000;
    pub const SETCALLDATA: u32 = 0x80000000;
}

/// The second word of what may be asked of a call.
pub mod feature2 {
    pub const NOHOLDCONFERENCE: u32 = 0x1;
    pub const ONESTEPTRANSFER: u32 = 0x2;
    pub const COMPLCAMPON: u32 = 0x4;
    pub const COMPLCALLBACK: u32 = 0x8;
    pub const COMPLINTRUDE: u32 = 0x10;
    pub const COMPLMESSAGE: u32 = 0x20;
    pub const TRANSFERNORM: u32 = 0x40;
    pub const TRANSFERCONF: u32 = 0x80;
    pub const PARKDIRECT: u32 = 0x100;
    pub const PARKNONDIRECT: u32 = 0x200;
}

/// Parts of the information about a call.
pub mod info {
    pub const OTHER: u32 = 0x1;
    pub const DEVSPECIFIC: u32 = 0x2;
    pub const BEARERMODE: u32 = 0x4;
    pub const RATE: u32 = 0x8;
    pub const MEDIAMODE: u32 = 0x10;
    pub const APPSPECIFIC: u32 = 0x20;
    pub const CALLID: u32 = 0x40;
    pub const RELATEDCALLID: u32 = 0x80;
    pub const ORIGIN: u32 = 0x100;
    pub const REASON: u32 = 0x200;
    pub const COMPLETIONID: u32 = 0x400;
    pub const NUMOWNERINCR: u32 = 0x800;
    pub const NUMOWNERDECR: u32 = 0x1000;
    pub const NUMMONITORS: u32 = 0x2000;
    pub const TRUNK: u32 = 0x4000;
    pub const CALLERID: u32 = 0x8000;
    pub const CALLEDID: u32 = 0x10000;
    pub const CONNECTEDID: u32 = 0x20000;
    pub const REDIRECTIONID: u32 = 0x40000;
    pub const REDIRECTINGID: u32 = 0x80000;
    pub const DISPLAY: u32 = 0x100000;
    pub const USERUSERINFO: u32 = 0x200000;
    pub const HIGHLEVELCOMP: u32 = 0x400000;
    pub const LOWLEVELCOMP: u32 = 0x800000;
    pub const CHARGINGINFO: u32 = 0x1000000;
    pub const TERMINAL: u32 = 0x2000000;
    pub const DIALPARAMS: u32 = 0x4000000;
    pub const MONITORMODES: u32 = 0x8000000;
    pub const TREATMENT: u32 = 0x10000000;
    pub const QOS: u32 = 0x20000000;
    pub const CALLDATA: u32 = 0x40000000;
}

/// What may be asked of a line.
pub mod line_feature {
    pub const DEVSPECIFIC: u32 = 0x1;
    pub const DEVSPECIFICFEAT: u32 = 0x2;
    pub const FORWARD: u32 = 0x4;
    pub const MAKECALL: u32 = 0x8;
    pub const SETMEDIACONTROL: u32 = 0x10;
    pub const SETTERMINAL: u32 = 0x20;
    pub const SETDEVSTATUS: u32 = 0x40;
    pub const FORWARDFWD: u32 = 0x80;
    pub const FORWARDDND: u32 = 0x100;
}

/// Where a call comes from.
pub mod origin {
    pub const OUTBOUND: u32 = 0x1;
    pub const INTERNAL: u32 = 0x2;
    pub const EXTERNAL: u32 = 0x4;
    pub const UNKNOWN: u32 = 0x10;
    pub const UNAVAIL: u32 = 0x20;
    pub const CONFERENCE: u32 = 0x40;
    pub const INBOUND: u32 = 0x80;
}

/// What is known of a party.
pub mod party {
    pub const BLOCKED: u32 = 0x1;
    pub const OUTOFAREA: u32 = 0x2;
    pub const NAME: u32 = 0x4;
    pub const ADDRESS: u32 = 0x8;
    pub const PARTIAL: u32 = 0x10;
    pub const UNKNOWN: u32 = 0x20;
    pub const UNAVAIL: u32 = 0x40;
}

/// Why a call is here.
pub mod reason {
    pub const DIRECT: u32 = 0x1;
    pub const FWDBUSY: u32 = 0x2;
    pub const FWDNOANSWER: u32 = 0x4;
    pub const FWDUNCOND: u32 = 0x8;
    pub const PICKUP: u32 = 0x10;
    pub const UNPARK: u32 = 0x20;
    pub const REDIRECT: u32 = 0x40;
    pub const CALLCOMPLETION: u32 = 0x80;
    pub const TRANSFER: u32 = 0x100;
    pub const REMINDER: u32 = 0x200;
    pub const UNKNOWN: u32 = 0x400;
    pub const UNAVAIL: u32 = 0x800;
    pub const INTRUDE: u32 = 0x1000;
    pub const PARKED: u32 = 0x2000;
    pub const CAMPEDON: u32 = 0x4000;
    pub const ROUTEREQUEST: u32 = 0x8000;
}

/// Results of TSPI functions.
pub mod err {
    pub const ALLOCATED: i32 = -0x7FFFFFFF;
    pub const BADDEVICEID: i32 = -0x7FFFFFFE;
    pub const BEARERMODEUNAVAIL: i32 = -0x7FFFFFFD;
    pub const CALLUNAVAIL: i32 = -0x7FFFFFFB;
    pub const COMPLETIONOVERRUN: i32 = -0x7FFFFFFA;
    pub const CONFERENCEFULL: i32 = -0x7FFFFFF9;
    pub const DIALBILLING: i32 = -0x7FFFFFF8;
    pub const DIALDIALTONE: i32 = -0x7FFFFFF7;
    pub const DIALPROMPT: i32 = -0x7FFFFFF6;
    pub const DIALQUIET: i32 = -0x7FFFFFF5;
    pub const INCOMPATIBLEAPIVERSION: i32 = -0x7FFFFFF4;
    pub const INCOMPATIBLEEXTVERSION: i32 = -0x7FFFFFF3;
    pub const INIFILECORRUPT: i32 = -0x7FFFFFF2;
    pub const INUSE: i32 = -0x7FFFFFF1;
    pub const INVALADDRESS: i32 = -0x7FFFFFF0;
    pub const INVALADDRESSID: i32 = -0x7FFFFFEF;
    pub const INVALADDRESSMODE: i32 = -0x7FFFFFEE;
    pub const INVALADDRESSSTATE: i32 = -0x7FFFFFED;
    pub const INVALAPPHANDLE: i32 = -0x7FFFFFEC;
    pub const INVALAPPNAME: i32 = -0x7FFFFFEB;
    pub const INVALBEARERMODE: i32 = -0x7FFFFFEA;
    pub const INVALCALLCOMPLMODE: i32 = -0x7FFFFFE9;
    pub const INVALCALLHANDLE: i32 = -0x7FFFFFE8;
    pub const INVALCALLPARAMS: i32 = -0x7FFFFFE7;
    pub const INVALCALLPRIVILEGE: i32 = -0x7FFFFFE6;
    pub const INVALCALLSELECT: i32 = -0x7FFFFFE5;
    pub const INVALCALLSTATE: i32 = -0x7FFFFFE4;
    pub const INVALCALLSTATELIST: i32 = -0x7FFFFFE3;
    pub const INVALCARD: i32 = -0x7FFFFFE2;
    pub const INVALCOMPLETIONID: i32 = -0x7FFFFFE1;
    pub const INVALCONFCALLHANDLE: i32 = -0x7FFFFFE0;
    pub const INVALCONSULTCALLHANDLE: i32 = -0x7FFFFFDF;
    pub const INVALCOUNTRYCODE: i32 = -0x7FFFFFDE;
    pub const INVALDEVICECLASS: i32 = -0x7FFFFFDD;
    pub const INVALDEVICEHANDLE: i32 = -0x7FFFFFDC;
    pub const INVALDIALPARAMS: i32 = -0x7FFFFFDB;
    pub const INVALDIGITLIST: i32 = -0x7FFFFFDA;
    pub const INVALDIGITMODE: i32 = -0x7FFFFFD9;
    pub const INVALDIGITS: i32 = -0x7FFFFFD8;
    pub const INVALEXTVERSION: i32 = -0x7FFFFFD7;
    pub const INVALGROUPID: i32 = -0x7FFFFFD6;
    pub const INVALLINEHANDLE: i32 = -0x7FFFFFD5;
    pub const INVALLINESTATE: i32 = -0x7FFFFFD4;
    pub const INVALLOCATION: i32 = -0x7FFFFFD3;
    pub const INVALMEDIALIST: i32 = -0x7FFFFFD2;
    pub const INVALMEDIAMODE: i32 = -0x7FFFFFD1;
    pub const INVALMESSAGEID: i32 = -0x7FFFFFD0;
    pub const INVALPARAM: i32 = -0x7FFFFFCE;
    pub const INVALPARKID: i32 = -0x7FFFFFCD;
    pub const INVALPARKMODE: i32 = -0x7FFFFFCC;
    pub const INVALPOINTER: i32 = -0x7FFFFFCB;
    pub const INVALPRIVSELECT: i32 = -0x7FFFFFCA;
    pub const INVALRATE: i32 = -0x7FFFFFC9;
    pub const INVALREQUESTMODE: i32 = -0x7FFFFFC8;
    pub const INVALTERMINALID: i32 = -0x7FFFFFC7;
    pub const INVALTERMINALMODE: i32 = -0x7FFFFFC6;
    pub const INVALTIMEOUT: i32 = -0x7FFFFFC5;
    pub const INVALTONE: i32 = -0x7FFFFFC4;
    pub const INVALTONELIST: i32 = -0x7FFFFFC3;
    pub const INVALTONEMODE: i32 = -0x7FFFFFC2;
    pub const INVALTRANSFERMODE: i32 = -0x7FFFFFC1;
    pub const LINEMAPPERFAILED: i32 = -0x7FFFFFC0;
    pub const NOCONFERENCE: i32 = -0x7FFFFFBF;
    pub const NODEVICE: i32 = -0x7FFFFFBE;
    pub const NODRIVER: i32 = -0x7FFFFFBD;
    pub const NOMEM: i32 = -0x7FFFFFBC;
    pub const NOREQUEST: i32 = -0x7FFFFFBB;
    pub const NOTOWNER: i32 = -0x7FFFFFBA;
    pub const NOTREGISTERED: i32 = -0x7FFFFFB9;
    pub const OPERATIONFAILED: i32 = -0x7FFFFFB8;
    pub const OPERATIONUNAVAIL: i32 = -0x7FFFFFB7;
    pub const RATEUNAVAIL: i32 = -0x7FFFFFB6;
    pub const RESOURCEUNAVAIL: i32 = -0x7FFFFFB5;
    pub const REQUESTOVERRUN: i32 = -0x7FFFFFB4;
    pub const STRUCTURETOOSMALL: i32 = -0x7FFFFFB3;
    pub const TARGETNOTFOUND: i32 = -0x7FFFFFB2;
    pub const TARGETSELF: i32 = -0x7FFFFFB1;
    pub const UNINITIALIZED: i32 = -0x7FFFFFB0;
    pub const USERUSERINFOTOOBIG: i32 = -0x7FFFFFAF;
    pub const REINIT: i32 = -0x7FFFFFAE;
    pub const ADDRESSBLOCKED: i32 = -0x7FFFFFAD;
    pub const BILLINGREJECTED: i32 = -0x7FFFFFAC;
    pub const INVALFEATURE: i32 = -0x7FFFFFAB;
    pub const NOMULTIPLEINSTANCE: i32 = -0x7FFFFFAA;
    pub const INVALAGENTID: i32 = -0x7FFFFFA9;
    pub const INVALAGENTGROUP: i32 = -0x7FFFFFA8;
    pub const INVALPASSWORD: i32 = -0x7FFFFFA7;
    pub const INVALAGENTSTATE: i32 = -0x7FFFFFA6;
    pub const INVALAGENTACTIVITY: i32 = -0x7FFFFFA5;
    pub const DIALVOICEDETECT: i32 = -0x7FFFFFA4;
    pub const USERCANCELLED: i32 = -0x7FFFFFA3;
    pub const INVALADDRESSTYPE: i32 = -0x7FFFFFA2;
    pub const INVALAGENTSESSIONSTATE: i32 = -0x7FFFFFA1;
    pub const DISCONNECTED: i32 = -0x7FFFFFA0;
    pub const SERVICE_NOT_RUNNING: i32 = -0x7FFFFF9F;
}

/// Messages to TAPI.
pub mod msg {
    pub const ADDRESSSTATE: u32 = 0;
    pub const CALLINFO: u32 = 1;
    pub const CALLSTATE: u32 = 2;
    pub const CLOSE: u32 = 3;
    pub const GENERATE: u32 = 7;
    pub const LINEDEVSTATE: u32 = 8;
    pub const CREATE: u32 = 19;
    pub const REMOVE: u32 = 25;
    pub const NEWCALL: u32 = 500;
}
