"""What is configured at the router: phones, numbers, mobility users, as the XML API shows them."""

RING = {"monitor": "MONITOR_RING", "silent": "SILENT_RING"}


class Phone:
    def __init__(self, tag, mac, kind, user="", buttons=(), host=False, registered=True):
        self.tag, self.mac, self.kind, self.user, self.host = tag, mac, kind, user, host
        self.buttons = list(buttons)  # (position, ephone-dn, mode)
        self.status, self.last = ("registered", "unregistered") if registered else ("unregistered", "deceased")
        self.changed, self.kept, self.profile = 400 + tag, 2980 if registered else 0, 0

    def becomes(self, status, clock):
        self.status, self.last, self.changed, self.kept = status, self.status, clock, int(status == "registered")


class Number:
    def __init__(self, tag, number, name, mode="DUAL_LINE", watch=True, notify=True, template=0):
        self.tag, self.number, self.name, self.mode = tag, number, name, mode
        self.watch, self.notify, self.template = watch, notify, template


class Site:
    """`profiles`: tag to (login name, numbers in the order of the buttons)."""

    VERBS = ("register", "unregister", "die", "login", "logout")

    def __init__(self, phones, numbers, profiles=None, guest=None):
        self.phones, self.numbers = {phone.tag: phone for phone in phones}, {one.tag: one for one in numbers}
        self.profiles, self.guest, self.clock = profiles or {}, guest, 90_000

    def lines(self, phone):
        """Its buttons now: those of who is logged in, of the logout profile, or its own."""
        if not phone.host:
            return phone.buttons
        numbers = self.profiles[phone.profile][1] if phone.profile else self.guest[1]
        return [(at, self.tag_of(number), "normal") for at, number in enumerate(numbers, 1)]

    def tag_of(self, number):
        return next(tag for tag, one in self.numbers.items() if one.number == number)

    def user_at(self, phone):
        return self.profiles[phone.profile][0] if phone.profile else phone.user

    def appears_on(self, tag):
        return [phone for phone in self.phones.values() if any(dn == tag for _, dn, _ in self.lines(phone))]

    def is_up(self, tag):
        one = self.numbers[tag]
        return one.notify or one.template or any(phone.status == "registered" for phone in self.appears_on(tag))

    def macs(self, number):
        phones = self.phones.values()
        return {phone.mac for phone in phones for _, dn, _ in self.lines(phone) if self.numbers[dn].number == number}

    def session(self, user, who):
        """The SIP status for a session of this number under this name; 200 when it may be."""
        tags = [tag for tag, one in self.numbers.items() if one.number == user]
        if not tags:
            return "404 Not Found"
        macs = self.macs(user)
        is_mobile = any(user in numbers for _, numbers in self.profiles.values())
        if who not in {f"{user}_{mac}" for mac in macs} and not (is_mobile and who == user):
            return "404 Not Found"
        if not any(self.numbers[tag].watch or self.numbers[tag].template for tag in tags):
            return "403 Forbidden"
        return "200 OK" if any(self.is_up(tag) for tag in tags) else "480 Temporarily Not Available"

    def command(self, verb, *rest):
        self.clock += 1
        if verb in ("register", "unregister", "die"):
            word = {"register": "registered", "unregister": "unregistered", "die": "deceased"}[verb]
            self.phones[int(rest[0])].becomes(word, self.clock)
            return
        tag = next(tag for tag, (user, _) in self.profiles.items() if user == rest[0])
        for phone in self.phones.values():
            # One login at a time; either way the phone restarts with other buttons.
            wanted = tag if verb == "login" and phone.tag == int(rest[1]) else 0
            if phone.host and phone.profile != wanted and (wanted or phone.profile == tag):
                phone.profile = wanted
                phone.becomes("registered", self.clock)


def ordinary(phones):
    """One number a phone."""
    pairs = list(enumerate(phones.items(), 1))
    return Site([Phone(tag, mac, "7965", buttons=[(1, tag, "normal")]) for tag, (_, mac) in pairs],
                [Number(tag, number, f"Phone {number}", "OCTO_LINE") for tag, (number, _) in pairs])


def example():
    """The system of the dossier's section 14.1."""
    def mac(tag):
        return f"00AA11BB000{tag}"
    phones = [
        Phone(1, mac(1), "7965", "anna", [(1, 1, "normal"), (2, 4, "normal"), (3, 8, "monitor")]),
        Phone(2, mac(2), "7962", "ben", [(1, 2, "normal"), (2, 4, "normal")]),
        Phone(3, mac(3), "7945", host=True),
        Phone(4, mac(4), "7942", buttons=[(1, 7, "normal")], registered=False),
        Phone(5, mac(5), "7941", "ida", [(1, 8, "normal"), (2, 3, "normal")]),
    ]
    numbers = [
        Number(1, "201", "Anna Berg"), Number(2, "202", "Ben Cole", "OCTO_LINE"),
        Number(3, "203", "Sales Line", watch=False, notify=False),
        Number(4, "204", "Front Desk", watch=False, notify=False, template=15), Number(5, "205", "Eli Frank"),
        Number(6, "299", "Guest Phone", "SINGLE_LINE", watch=False, notify=False),
        Number(7, "207", "Gus Hart", notify=False), Number(8, "208", "Ida Jung"),
    ]
    return Site(phones, numbers, {1: ("eli", ["205", "203"])}, ("guest", ["299"]))


def many(count):
    tags = range(1, count + 1)
    return Site([Phone(tag, f"0C0FFEE{tag:05}", "7911", f"user{tag}", [(1, tag, "silent")]) for tag in tags],
                [Number(tag, str(4000 + tag), f"User {tag}") for tag in tags])
