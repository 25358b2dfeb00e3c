"""The ledger: newest entry first, found by chain or by person."""

from __future__ import annotations

import re

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from kyc import ledger
from kyc.admin import search, text
from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from kyc.models import LedgerEntry, LedgerHead, Seal, SealedHead, User


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyMixin, DeskAdmin[LedgerEntry]):
    list_display = ("id", "at", "chain", text.column("seq", _("Entry")), text.short("action"), "actor")
    list_select_related = ("actor",)
    search_fields = ("chain", "actor")
    search_help_text = _(
        "A session's UUID or its first 8 characters or more, a chain such as system or person:1, or a username."
    )
    ordering = ("-id",)
    fields = ("chain", "seq", "at", "actor", "action", "detail_shown", "previous_hash", "hash")

    @admin.display(description=_("Detail"))
    def detail_shown(self, entry: LedgerEntry) -> SafeString | str:
        return text.block(entry.detail)

    def find(self, queryset: QuerySet[LedgerEntry], term: str) -> QuerySet[LedgerEntry]:
        if found := chains(term):
            return queryset.filter(chain__in=found)
        return queryset.filter(actor=User.objects.filter(username=term).first() or 0)


@admin.register(LedgerHead)
class LedgerHeadAdmin(ReadOnlyMixin, DeskAdmin[LedgerHead]):
    list_display = ("chain", text.column("seq", _("Entries")), "hash")
    search_fields = ("chain",)
    search_help_text = _(
        "A session's UUID or its first 8 characters or more, a chain such as system or person:1."
    )
    ordering = ("chain",)
    fields = ("chain", "seq", "hash")

    def find(self, queryset: QuerySet[LedgerHead], term: str) -> QuerySet[LedgerHead]:
        return queryset.filter(chain__in=chains(term))


@admin.register(Seal)
class SealAdmin(ReadOnlyMixin, DeskAdmin[Seal]):
    list_display = ("number", "day", "at", "n_chains", "n_entries", "hash")
    ordering = ("-number",)
    fields = ("number", "day", "at", "n_chains", "n_entries", "heads_digest", "previous_hash", "hash")


@admin.register(SealedHead)
class SealedHeadAdmin(ReadOnlyMixin, DeskAdmin[SealedHead]):
    list_display = ("chain", text.column("seq", _("Entries")), "seal", "hash")
    list_select_related = ("seal",)
    search_fields = ("chain",)
    search_help_text = LedgerHeadAdmin.search_help_text
    ordering = ("-id",)
    fields = ("seal", "chain", "seq", "hash")

    def find(self, queryset: QuerySet[SealedHead], term: str) -> QuerySet[SealedHead]:
        return queryset.filter(chain__in=chains(term))


def chains(term: str) -> list[str]:
    """Return the chains that a search means; none when it means none."""
    if term == ledger.SYSTEM or re.fullmatch(r"person:\d+", term):
        return [term]
    return [ledger.session_chain(pk) for pk in search.session_ids(term.removeprefix("session:"))]
