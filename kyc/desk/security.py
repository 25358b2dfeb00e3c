"""A person's own page of how they sign in: password, authenticator app, passkeys, recovery codes."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import password_change
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import delete_and_cleanup
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kyc.desk import factors, qr, sitting_pages
from kyc.desk.access import DeskRequest
from kyc.desk.gate import GOING_TO
from kyc.desk.passkeys import AddForm, as_json
from kyc.desk.sensitive import FACTORS, has_factor, sensitive
from kyc.models import User

# One transaction with the entry in the ledger.
in_one_transaction = method_decorator(transaction.atomic, name="post")
# What is shown here belongs in no cache, and what is changed asks again who is there.
asks_again = method_decorator([never_cache, login_required, sensitive], name="dispatch")
PAGE = reverse_lazy("mfa_index")


@require_safe
@never_cache
@login_required
def page(request: DeskRequest) -> HttpResponse:
    rows = list(Authenticator.objects.filter(user=request.user).order_by("created_at", "pk"))
    app = next((row for row in rows if row.type == Authenticator.Type.TOTP), None)
    on_paper = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    n_factors = sum(row.type in FACTORS for row in rows)
    context = {
        "app": app,
        "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        "on_paper": on_paper,
        "n_codes": _n_codes(on_paper),
        "n_factors": n_factors,
        "has_password": request.user.has_usable_password(),
        "is_missing": settings.KYC_MFA_REQUIRED and not n_factors,
        "may_remove": n_factors > 1 or not settings.KYC_MFA_REQUIRED,
    }
    return render(request, "account/security.html", context)


def _n_codes(on_paper: Authenticator | None) -> int | None:
    """Return how many recovery codes are left; None where there are none, or they can no longer be read."""
    try:
        return len(on_paper.wrap().get_unused_codes()) if on_paper else None
    except ValidationError:
        return None


@in_one_transaction
@asks_again
class AddApp(totp.ActivateTOTPView):  # type: ignore[misc]
    """Set up an authenticator app: its secret as a picture and as text, and a code to show that it works."""

    template_name = "account/app_add.html"

    def get_form_class(self) -> type[factors.NewAppForm]:
        return factors.NewAppForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # allauth's own draws a picture that the content policy refuses.
        found = super(totp.ActivateTOTPView, self).get_context_data(**kwargs) | _standing(self.request)
        secret = found["form"].secret
        address = get_adapter().build_totp_url(self.request.user, secret)
        return {**found, "secret": _in_fours(secret), "picture": qr.picture(address)}

    def form_valid(self, form: factors.NewAppForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        factors.forget_new_secret()
        added = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        _prove(self.request, added)
        messages.success(self.request, gettext("Your authenticator app is set up."))
        return answer


@in_one_transaction
@asks_again
class AddPasskey(webauthn.AddWebAuthnView):  # type: ignore[misc]
    template_name = "account/passkey_add.html"

    def get_form_class(self) -> type[AddForm]:
        return AddForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs) | _standing(self.request)
        # The form that was sent, with its faults: allauth makes another one.
        return {**found, **kwargs, "options": as_json(found["js_data"]["creation_options"])}

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        mine = Authenticator.objects.filter(user=self.request.user, type=Authenticator.Type.WEBAUTHN)
        _prove(self.request, mine.latest("pk"))
        messages.success(self.request, gettext("Your passkey is added."))
        return answer


@require_POST
@never_cache
@login_required
@sensitive
def remove_app(request: DeskRequest) -> HttpResponse:
    return _remove(request, Authenticator.Type.TOTP, gettext("Your authenticator app is removed."))


@require_POST
@never_cache
@login_required
@sensitive
def remove_passkey(request: DeskRequest, pk: int) -> HttpResponse:
    return _remove(request, Authenticator.Type.WEBAUTHN, gettext("Your passkey is removed."), pk=pk)


@login_required
def change_password(request: DeskRequest) -> HttpResponseBase:
    """Let people change their password; who signs in through the company has none here."""
    if not request.user.has_usable_password():
        messages.warning(request, gettext("You have no password here: you sign in through your company."))
        return HttpResponseRedirect(str(PAGE))
    answer: HttpResponseBase = password_change(request)
    return answer


def _remove(request: DeskRequest, type: Authenticator.Type, words: str, **which: int) -> HttpResponse:
    """Take one of the person's own factors, unless it is the only one where one is required."""
    with transaction.atomic():
        # Of two removals at once the second one sees what the first has left.
        User.objects.select_for_update().get(pk=request.user.pk)
        mine = get_object_or_404(Authenticator, user=request.user, type=type, **which)
        may = get_adapter().can_delete_authenticator(mine)
        if may:
            delete_and_cleanup(request, mine)
    if may:
        messages.success(request, words)
    else:
        messages.error(request, factors.DeskMFAAdapter.error_messages["cannot_delete_authenticator"])
    return HttpResponseRedirect(str(PAGE))


@method_decorator(require_safe, name="dispatch")
@asks_again
class ShowCodes(codes.ViewRecoveryCodesView):  # type: ignore[misc]
    """The recovery codes, once; afterwards only how many are left."""

    template_name = "account/codes.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return {**found, "going_to": self.request.session.pop(GOING_TO, None) or str(PAGE)}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            answer: HttpResponseBase = super().get(request, *args, **kwargs)
        except Http404:
            return HttpResponseRedirect(str(PAGE))
        except ValidationError as unreadable:
            messages.error(request, " ".join(unreadable.messages))
            return HttpResponseRedirect(str(PAGE))
        return answer


@in_one_transaction
@asks_again
class NewCodes(codes.GenerateRecoveryCodesView):  # type: ignore[misc]
    """Make new recovery codes; those of before are void."""

    template_name = "account/codes_new.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super(codes.GenerateRecoveryCodesView, self).get_context_data(**kwargs)
        kept = Authenticator.objects.filter(
            user=self.request.user, type=Authenticator.Type.RECOVERY_CODES
        ).first()
        return {**found, "n_codes": _n_codes(kept), "has_factor": has_factor(self.request.user)}


def _standing(request: HttpRequest) -> dict[str, bool]:
    """Return what the frame of a page wants to know: whether there is nowhere else to go yet."""
    return {"is_missing": settings.KYC_MFA_REQUIRED and not has_factor(request.user)}


def _prove(request: DeskRequest, added: Authenticator) -> None:
    """To set up a factor is to give it. The first one ends the sign-ins elsewhere, which were without one."""
    if not factors.others(added).exists():
        sitting_pages.end_elsewhere(request)
    record_authentication(
        request, request.user, "mfa", id=added.pk, type=str(added.type), reauthenticated=True
    )


def _in_fours(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
