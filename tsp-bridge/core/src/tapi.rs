//! Constants of TAPI 2 and 3 as the headers have them; the error values are negative numbers.
#![expect(missing_docs, reason = "the names are those of tapi.h, where each is explained")]

/// Constants of one kind, and their names as the headers have them, for the trace.
macro_rules! words {
    ($(#[$doc:meta])* $module:ident: $kind:ty, $prefix:literal { $($name:ident = $value:expr;)+ }) => {
        $(#[$doc])*
        pub mod $module {
            $(pub const $name: $kind = $value;)+
            /// Values with their names.
            pub const NAMES: &[($kind, &str)] = &[$(($name, concat!($prefix, stringify!($name)))),+];
        }
    };
}

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

words! {
    /// States of an address.
    addr_state: u32, "LINEADDRESSSTATE_" {
        OTHER = 0x1;
        DEVSPECIFIC = 0x2;
        INUSEZERO = 0x4;
        INUSEONE = 0x8;
        INUSEMANY = 0x10;
        NUMCALLS = 0x20;
        FORWARD = 0x40;
        TERMINALS = 0x80;
        CAPSCHANGE = 0x100;
    }
}

words! {
    /// States of a call.
    call_state: u32, "LINECALLSTATE_" {
        IDLE = 0x1;
        OFFERING = 0x2;
        ACCEPTED = 0x4;
        DIALTONE = 0x8;
        DIALING = 0x10;
        RINGBACK = 0x20;
        BUSY = 0x40;
        SPECIALINFO = 0x80;
        CONNECTED = 0x100;
        PROCEEDING = 0x200;
        ONHOLD = 0x400;
        CONFERENCED = 0x800;
        ONHOLDPENDCONF = 0x1000;
        ONHOLDPENDTRANSFER = 0x2000;
        DISCONNECTED = 0x4000;
        UNKNOWN = 0x8000;
    }
}

words! {
    /// States of a line device.
    dev_state: u32, "LINEDEVSTATE_" {
        OTHER = 0x1;
        RINGING = 0x2;
        CONNECTED = 0x4;
        DISCONNECTED = 0x8;
        MSGWAITON = 0x10;
        MSGWAITOFF = 0x20;
        INSERVICE = 0x40;
        OUTOFSERVICE = 0x80;
        MAINTENANCE = 0x100;
        OPEN = 0x200;
        CLOSE = 0x400;
        NUMCALLS = 0x800;
        NUMCOMPLETIONS = 0x1000;
        TERMINALS = 0x2000;
        ROAMMODE = 0x4000;
        BATTERY = 0x8000;
        SIGNAL = 0x10000;
        DEVSPECIFIC = 0x20000;
        REINIT = 0x40000;
        LOCK = 0x80000;
        CAPSCHANGE = 0x100000;
        CONFIGCHANGE = 0x200000;
        TRANSLATECHANGE = 0x400000;
        COMPLCANCEL = 0x800000;
        REMOVED = 0x1000000;
    }
}

words! {
    /// Why a call ended.
    disconnect: u32, "LINEDISCONNECTMODE_" {
        NORMAL = 0x1;
        UNKNOWN = 0x2;
        REJECT = 0x4;
        PICKUP = 0x8;
        FORWARDED = 0x10;
        BUSY = 0x20;
        NOANSWER = 0x40;
        BADADDRESS = 0x80;
        UNREACHABLE = 0x100;
        CONGESTION = 0x200;
        INCOMPATIBLE = 0x400;
        UNAVAIL = 0x800;
        NODIALTONE = 0x1000;
        NUMBERCHANGED = 0x2000;
        OUTOFORDER = 0x4000;
        TEMPFAILURE = 0x8000;
        QOSUNAVAIL = 0x10000;
        BLOCKED = 0x20000;
        DONOTDISTURB = 0x40000;
        CANCELLED = 0x80000;
    }
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

words! {
    /// Parts of the information about a call.
    info: u32, "LINECALLINFOSTATE_" {
        OTHER = 0x1;
        DEVSPECIFIC = 0x2;
        BEARERMODE = 0x4;
        RATE = 0x8;
        MEDIAMODE = 0x10;
        APPSPECIFIC = 0x20;
        CALLID = 0x40;
        RELATEDCALLID = 0x80;
        ORIGIN = 0x100;
        REASON = 0x200;
        COMPLETIONID = 0x400;
        NUMOWNERINCR = 0x800;
        NUMOWNERDECR = 0x1000;
        NUMMONITORS = 0x2000;
        TRUNK = 0x4000;
        CALLERID = 0x8000;
        CALLEDID = 0x10000;
        CONNECTEDID = 0x20000;
        REDIRECTIONID = 0x40000;
        REDIRECTINGID = 0x80000;
        DISPLAY = 0x100000;
        USERUSERINFO = 0x200000;
        HIGHLEVELCOMP = 0x400000;
        LOWLEVELCOMP = 0x800000;
        CHARGINGINFO = 0x1000000;
        TERMINAL = 0x2000000;
        DIALPARAMS = 0x4000000;
        MONITORMODES = 0x8000000;
        TREATMENT = 0x10000000;
        QOS = 0x20000000;
        CALLDATA = 0x40000000;
    }
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

words! {
    /// Results of TSPI functions.
    err: i32, "LINEERR_" {
        ALLOCATED = -0x7FFFFFFF;
        BADDEVICEID = -0x7FFFFFFE;
        BEARERMODEUNAVAIL = -0x7FFFFFFD;
        CALLUNAVAIL = -0x7FFFFFFB;
        COMPLETIONOVERRUN = -0x7FFFFFFA;
        CONFERENCEFULL = -0x7FFFFFF9;
        DIALBILLING = -0x7FFFFFF8;
        DIALDIALTONE = -0x7FFFFFF7;
        DIALPROMPT = -0x7FFFFFF6;
        DIALQUIET = -0x7FFFFFF5;
        INCOMPATIBLEAPIVERSION = -0x7FFFFFF4;
        INCOMPATIBLEEXTVERSION = -0x7FFFFFF3;
        INIFILECORRUPT = -0x7FFFFFF2;
        INUSE = -0x7FFFFFF1;
        INVALADDRESS = -0x7FFFFFF0;
        INVALADDRESSID = -0x7FFFFFEF;
        INVALADDRESSMODE = -0x7FFFFFEE;
        INVALADDRESSSTATE = -0x7FFFFFED;
        INVALAPPHANDLE = -0x7FFFFFEC;
        INVALAPPNAME = -0x7FFFFFEB;
        INVALBEARERMODE = -0x7FFFFFEA;
        INVALCALLCOMPLMODE = -0x7FFFFFE9;
        INVALCALLHANDLE = -0x7FFFFFE8;
        INVALCALLPARAMS = -0x7FFFFFE7;
        INVALCALLPRIVILEGE = -0x7FFFFFE6;
        INVALCALLSELECT = -0x7FFFFFE5;
        INVALCALLSTATE = -0x7FFFFFE4;
        INVALCALLSTATELIST = -0x7FFFFFE3;
        INVALCARD = -0x7FFFFFE2;
        INVALCOMPLETIONID = -0x7FFFFFE1;
        INVALCONFCALLHANDLE = -0x7FFFFFE0;
        INVALCONSULTCALLHANDLE = -0x7FFFFFDF;
        INVALCOUNTRYCODE = -0x7FFFFFDE;
        INVALDEVICECLASS = -0x7FFFFFDD;
        INVALDEVICEHANDLE = -0x7FFFFFDC;
        INVALDIALPARAMS = -0x7FFFFFDB;
        INVALDIGITLIST = -0x7FFFFFDA;
        INVALDIGITMODE = -0x7FFFFFD9;
        INVALDIGITS = -0x7FFFFFD8;
        INVALEXTVERSION = -0x7FFFFFD7;
        INVALGROUPID = -0x7FFFFFD6;
        INVALLINEHANDLE = -0x7FFFFFD5;
        INVALLINESTATE = -0x7FFFFFD4;
        INVALLOCATION = -0x7FFFFFD3;
        INVALMEDIALIST = -0x7FFFFFD2;
        INVALMEDIAMODE = -0x7FFFFFD1;
        INVALMESSAGEID = -0x7FFFFFD0;
        INVALPARAM = -0x7FFFFFCE;
        INVALPARKID = -0x7FFFFFCD;
        INVALPARKMODE = -0x7FFFFFCC;
        INVALPOINTER = -0x7FFFFFCB;
        INVALPRIVSELECT = -0x7FFFFFCA;
        INVALRATE = -0x7FFFFFC9;
        INVALREQUESTMODE = -0x7FFFFFC8;
        INVALTERMINALID = -0x7FFFFFC7;
        INVALTERMINALMODE = -0x7FFFFFC6;
        INVALTIMEOUT = -0x7FFFFFC5;
        INVALTONE = -0x7FFFFFC4;
        INVALTONELIST = -0x7FFFFFC3;
        INVALTONEMODE = -0x7FFFFFC2;
        INVALTRANSFERMODE = -0x7FFFFFC1;
        LINEMAPPERFAILED = -0x7FFFFFC0;
        NOCONFERENCE = -0x7FFFFFBF;
        NODEVICE = -0x7FFFFFBE;
        NODRIVER = -0x7FFFFFBD;
        NOMEM = -0x7FFFFFBC;
        NOREQUEST = -0x7FFFFFBB;
        NOTOWNER = -0x7FFFFFBA;
        NOTREGISTERED = -0x7FFFFFB9;
        OPERATIONFAILED = -0x7FFFFFB8;
        OPERATIONUNAVAIL = -0x7FFFFFB7;
        RATEUNAVAIL = -0x7FFFFFB6;
        RESOURCEUNAVAIL = -0x7FFFFFB5;
        REQUESTOVERRUN = -0x7FFFFFB4;
        STRUCTURETOOSMALL = -0x7FFFFFB3;
        TARGETNOTFOUND = -0x7FFFFFB2;
        TARGETSELF = -0x7FFFFFB1;
        UNINITIALIZED = -0x7FFFFFB0;
        USERUSERINFOTOOBIG = -0x7FFFFFAF;
        REINIT = -0x7FFFFFAE;
        ADDRESSBLOCKED = -0x7FFFFFAD;
        BILLINGREJECTED = -0x7FFFFFAC;
        INVALFEATURE = -0x7FFFFFAB;
        NOMULTIPLEINSTANCE = -0x7FFFFFAA;
        INVALAGENTID = -0x7FFFFFA9;
        INVALAGENTGROUP = -0x7FFFFFA8;
        INVALPASSWORD = -0x7FFFFFA7;
        INVALAGENTSTATE = -0x7FFFFFA6;
        INVALAGENTACTIVITY = -0x7FFFFFA5;
        DIALVOICEDETECT = -0x7FFFFFA4;
        USERCANCELLED = -0x7FFFFFA3;
        INVALADDRESSTYPE = -0x7FFFFFA2;
        INVALAGENTSESSIONSTATE = -0x7FFFFFA1;
        DISCONNECTED = -0x7FFFFFA0;
        SERVICE_NOT_RUNNING = -0x7FFFFF9F;
    }
}

words! {
    /// Messages to TAPI.
    msg: u32, "LINE_" {
        ADDRESSSTATE = 0;
        CALLINFO = 1;
        CALLSTATE = 2;
        CLOSE = 3;
        GENERATE = 7;
        LINEDEVSTATE = 8;
        CREATE = 19;
        REMOVE = 25;
        NEWCALL = 500;
    }
}
