"""Which row of README's table of roles each address belongs to, read and posted to: the one list of all addresses."""

from __future__ import annotations

from dataclasses import dataclass

# The rows that addresses belong to, by words that begin no other row.
SIGN_IN = "signs in and out; chooses theme and language"
OWN = "their own password, second factors, recovery codes and sessions"
QUEUE = "queue, sessions, history, CSV export, their own saved views"
WORK = "claims, decides, confirms or returns the proposals of others, writes notes"
SUPERVISE = "settles disputes, releases and assigns the claims of others, decides what is escalated or under suspicion"
UNMASK = "… masked, until they unmask one thing with a reason"
RECORD = "a session's whole record, on paper and as PDF"
INBOX = "deliveries and refused requests, with their bodies"
REPLAY = "… replays them"
MAIL = "reads notifications and what became of them; chooses their own mail"
RELEASE = "… releases and retries notifications"
LEDGER = "the ledger and its seals, verified and exported"
PRIVACY = "legal holds and erasures of subjects"
ERASE = "… places and lifts holds, requests, confirms or refuses erasures, exports a subject's data"
ADMIN = "admin site"
ADMIN_READS = "… reads sessions, checks, reasons, codes, contacts, deliveries, refused requests, decisions, corrections, notes, alarms"
ADMIN_REPLAYS = "… replays deliveries and refused requests"
ADMIN_MAIL = "… reads notifications, and previews what would be sent"
ADMIN_RELEASES = "… releases and retries notifications there"
ADMIN_AUDITS = "… reads the ledger, its seals, people and their groups"
CORRECTS = "… corrects sessions, checks and reasons"
DESCRIBES = "… describes reason codes, edits and imports contacts"
PEOPLE = "… adds, changes and removes people, their passwords, lost factors and sessions"
NOBODY = ""

# Rows that no address belongs to: tests of their own hold them.
WITHOUT_A_DOOR = {"personal data as it is", "hears when the inbox is unwell"}


@dataclass(frozen=True, slots=True)
class Door:
    """The rows of who reads an address and of who posts to it; NOBODY where nobody does."""

    reads: str = NOBODY
    posts: str = NOBODY


READ, ACT = Door(QUEUE), Door(QUEUE, WORK)
DESK = {
    "": Door(SIGN_IN, SIGN_IN),
    "theme": Door(posts=SIGN_IN),
    "language": Door(posts=SIGN_IN),
    "account_login": Door(SIGN_IN, SIGN_IN),
    "account_logout": Door(SIGN_IN, SIGN_IN),
    "openid_connect_login": Door(posts=SIGN_IN),
    "account_change_password": Door(OWN, OWN),
    "account_sessions": Door(OWN),
    "account_sessions_end": Door(posts=OWN),
    "account_sessions_end_others": Door(posts=OWN),
    "confirm": Door(OWN, OWN),
    "confirm-done": Door(OWN),
    "mfa_index": Door(OWN),
    "mfa_activate_totp": Door(OWN, OWN),
    "mfa_deactivate_totp": Door(posts=OWN),
    "mfa_add_webauthn": Door(OWN, OWN),
    "mfa_remove_webauthn": Door(posts=OWN),
    "mfa_view_recovery_codes": Door(OWN),
    "mfa_generate_recovery_codes": Door(OWN, OWN),
    "queue": READ,
    "queue-new": READ,
    "queue-peek": READ,
    "queue-rows": READ,
    "queue-portal": READ,
    "queue-portal-export": READ,
    "queue-claim-next": Door(posts=WORK),
    "queue-bulk": Door(posts=WORK),
    "queue-view-save": Door(posts=QUEUE),
    "queue-view-delete": Door(posts=QUEUE),
    "history": READ,
    "history-export": READ,
    "session": READ,
    "session-delivery": READ,
    "session-renew": Door(QUEUE, QUEUE),
    "session-claim": ACT,
    "session-release": ACT,
    "session-ask": ACT,
    "session-hand-over": ACT,
    "session-keep": ACT,
    "session-decide": ACT,
    "session-note": ACT,
    "session-codes": Door(WORK),
    "decision-confirm": ACT,
    "decision-return": ACT,
    "decision-undo": ACT,
    "session-assign": Door(QUEUE, SUPERVISE),
    "session-settle": Door(QUEUE, SUPERVISE),
    "session-unmask": Door(UNMASK, UNMASK),
    "delivery-unmask": Door(UNMASK, UNMASK),
    "refused-request-unmask": Door(UNMASK, UNMASK),
    "contact-unmask": Door(UNMASK, UNMASK),
    "session-record": Door(RECORD),
    "session-record-pdf": Door(RECORD),
    "deliveries": Door(INBOX),
    "deliveries-new": Door(INBOX),
    "deliveries-health": Door(INBOX),
    "delivery": Door(INBOX),
    "delivery-raw": Door(INBOX),
    "refused-request": Door(INBOX),
    "refused-request-raw": Door(INBOX),
    "deliveries-replay": Door(REPLAY, REPLAY),
    "notifications": Door(MAIL),
    "notification": Door(MAIL),
    "notification-preferences": Door(MAIL, MAIL),
    "notifications-act": Door(posts=RELEASE),
    "mail": READ,
    "ledger": Door(LEDGER),
    "ledger-entry": Door(LEDGER),
    "ledger-verify": Door(posts=LEDGER),
    "ledger-seals": Door(LEDGER),
    "ledger-seal": Door(LEDGER),
    "ledger-seal-verify": Door(posts=LEDGER),
    "ledger-export": Door(LEDGER),
    "ledger-bundle": Door(LEDGER),
    "privacy": Door(PRIVACY),
    "privacy-subject": Door(PRIVACY),
    "privacy-subject-hold": Door(posts=ERASE),
    "privacy-subject-erase": Door(posts=ERASE),
    "privacy-subject-export": Door(posts=ERASE),
    "privacy-hold-lift": Door(posts=ERASE),
    "privacy-erasure-confirm": Door(posts=ERASE),
    "privacy-erasure-refuse": Door(posts=ERASE),
}
# The admin's own addresses. Its doors to the desk's pages send on, and the page there judges.
SITE = {
    "logout": Door(SIGN_IN, SIGN_IN),
    "password_change": Door(SIGN_IN, SIGN_IN),
    "password_change_done": Door(SIGN_IN, SIGN_IN),
    "login": Door(ADMIN, ADMIN),
    "index": Door(ADMIN, ADMIN),
    "app_list": Door(ADMIN, ADMIN),
    "kyc_contact_import": Door(DESCRIBES, DESCRIBES),
    "kyc_user_factors": Door(PEOPLE, PEOPLE),
    "kyc_user_sittings": Door(PEOPLE, PEOPLE),
    "auth_user_password_change": Door(PEOPLE, PEOPLE),
    "notifications_notification_preview": Door(ADMIN_MAIL),
    "notifications_notification_preview_html": Door(ADMIN_MAIL),
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The rows of who reads a model's pages in the admin, who adds, changes and deletes there, and of its actions."""

    reads: str
    adds: str = NOBODY
    changes: str = NOBODY
    deletes: str = NOBODY
    actions: tuple[tuple[str, str], ...] = ()

    def door(self, page: str) -> Door | None:
        return {
            # Its actions are forms of the list.
            "changelist": Door(self.reads, self.reads),
            "history": Door(self.reads, self.reads),
            "change": Door(self.reads, self.changes),
            "add": Door(self.adds, self.adds),
            "delete": Door(self.deletes, self.deletes),
        }.get(page)


EVIDENCE, AUDITED = Pages(ADMIN_READS), Pages(ADMIN_AUDITS)
MODELS = {
    "kyc_session": Pages(ADMIN_READS, changes=CORRECTS),
    "kyc_check": Pages(ADMIN_READS, changes=CORRECTS),
    "kyc_reason": Pages(ADMIN_READS, changes=CORRECTS),
    "kyc_correction": EVIDENCE,
    "kyc_decision": EVIDENCE,
    "kyc_note": EVIDENCE,
    "kyc_delivery": Pages(ADMIN_READS, actions=(("replay", ADMIN_REPLAYS),)),
    "kyc_refusedrequest": Pages(ADMIN_READS, actions=(("replay", ADMIN_REPLAYS),)),
    "kyc_enquiry": EVIDENCE,
    "kyc_eventname": EVIDENCE,
    "kyc_inboxalarm": EVIDENCE,
    "kyc_contact": Pages(ADMIN_READS, DESCRIBES, DESCRIBES, DESCRIBES),
    "kyc_reasoncode": Pages(ADMIN_READS, DESCRIBES, DESCRIBES),
    "kyc_user": Pages(ADMIN_AUDITS, PEOPLE, PEOPLE, PEOPLE),
    "auth_group": AUDITED,
    "kyc_ledgerentry": AUDITED,
    "kyc_ledgerhead": AUDITED,
    "kyc_seal": AUDITED,
    "kyc_sealedhead": AUDITED,
    "kyc_legalhold": Pages(PRIVACY),
    "kyc_erasure": Pages(PRIVACY),
    "notifications_notification": Pages(
        ADMIN_MAIL, actions=(("release_withheld", ADMIN_RELEASES), ("try_again", ADMIN_RELEASES))
    ),
    "notifications_attempt": Pages(ADMIN_MAIL),
}
# They answer machines: a probe, and Ralio, whose signature is looked at.
MACHINES = {"health-live", "health-ready"}
# The second step of a sign-in, which sends back to the first whoever has not taken it.
SECOND_STEPS = {
    "mfa_authenticate": Door(SIGN_IN, SIGN_IN),
    "mfa_login_webauthn": Door(SIGN_IN, SIGN_IN),
    "openid_connect_callback": Door(SIGN_IN),
}
# Doors behind which more than the role is asked for: who decided takes it back, who holds a session hands it over.
RULED = {"decision-undo", "session-hand-over", "session-keep"}
# They end the sign-in, and so lead to the sign-in page; at once where there is none.
ENDINGS = {"account_logout", "account_sessions_end"}


def door(name: str) -> Door | None:
    """Return the door that an address is, None for one that is in no table."""
    if not name.startswith("admin:"):
        return DESK.get(name)
    own = name.removeprefix("admin:")
    model, _, page = own.rpartition("_")
    return SITE.get(own) or (MODELS[model].door(page) if model in MODELS else None)
