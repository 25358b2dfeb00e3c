"""Sign-in for people whom an admin has added; nobody signs up by themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from kyc.models import User

MISMATCH = "That username and password do not match."


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter with registration closed, and with the desk's words."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": MISMATCH,
        "too_many_login_attempts": "There were too many failed attempts.",
        "enter_current_password": "This is not your current password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return nobody for a closed account: the page must not say that its password was right."""
        person: User | None = super().authenticate(request, **credentials)
        return person if person and person.is_active else None

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Say only what the next page does not show by itself: a sign-in or a sign-out is plain to see."""
        if message_template == "account/messages/password_changed.txt":
            super().add_message(request, level, message="Your password is changed.")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("queue")
