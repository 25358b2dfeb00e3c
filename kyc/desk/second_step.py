"""Signing in beyond the password: the second factor, and passkeys that need no password."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.stagekit import get_pending_stage
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext

from kyc.desk import factors
from kyc.desk.passkeys import AloneForm, SecondStepForm, as_json


class FactorStage(AuthenticateStage):  # type: ignore[misc]
    """allauth's second step, but for who comes from an identity provider whose second factor this desk trusts."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        # The password that was right a moment ago: what a new one ends, it ends too.
        if self.login.user is not None:
            self.state["stands_for"] = self.login.user.get_session_auth_hash()
        answer: tuple[HttpResponse | None, bool] = super().handle()
        return answer

    def stands(self) -> bool:
        """Return True while the first step is still worth something: the account is open, and the password the same."""
        person = self.login.user
        if person is None or not person.is_active:
            return False
        return constant_time_compare(self.state.get("stands_for", ""), person.get_session_auth_hash())

    def _should_handle(self, request: HttpRequest) -> bool:
        records = get_authentication_records(request, self.login.user)
        is_trusted = settings.OIDC_TRUSTS_MFA and any(each["method"] == "socialaccount" for each in records)
        return not is_trusted and bool(super()._should_handle(request))


class SecondStep(AuthenticateView):  # type: ignore[misc]
    """After the password: a code, a passkey or a recovery code."""

    template_name = "account/second_step.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        stage = get_pending_stage(request)
        if isinstance(stage, FactorStage) and not stage.stands():
            ended: HttpResponse = stage.abort()
            return ended
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer

    def get_form_class(self) -> type[factors.CodeForm]:
        return factors.CodeForm

    def get_webauthn_form_class(self) -> type[SecondStepForm]:
        return SecondStepForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = (
            self.stage.abort() if "cancel" in request.POST else super().post(request, *args, **kwargs)
        )
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        if "credential" in form.fields:
            factors.failed(self.stage.login.user, Authenticator.Type.WEBAUTHN)
        answer: HttpResponse = super().form_invalid(form)
        answer.status_code = 422
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        rows = Authenticator.objects.filter(user=self.stage.login.user)
        types = set(rows.values_list("type", flat=True))
        return {
            **found,
            "by_app": Authenticator.Type.TOTP in types,
            "by_code": bool(types - {Authenticator.Type.WEBAUTHN}),
            "passkey_options": as_json(found["js_data"]["request_options"])
            if Authenticator.Type.WEBAUTHN in types
            else "",
        }


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    """Sign in by a passkey alone. Whoever signs in through an identity provider goes there, where roles come from."""

    def get_form_class(self) -> type[AloneForm]:
        return AloneForm

    def form_valid(self, form: Any) -> HttpResponse:
        person = form.cleaned_data["credential"].user
        if not person.is_active or not person.has_usable_password():
            return self._refuse(gettext("This passkey does not sign you in here."))
        answer: HttpResponse = super().form_valid(form)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        return self._refuse(gettext("That passkey was not accepted."))

    def _refuse(self, words: str) -> HttpResponse:
        messages.error(self.request, words)
        next_page = get_account_adapter().is_safe_url(self.request.POST.get("next", ""))
        query = f"?{urlencode({'next': self.request.POST['next']})}" if next_page else ""
        return HttpResponseRedirect(f"{reverse('account_login')}{query}")
