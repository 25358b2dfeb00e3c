"""Sign-in for people whom an admin has added; nobody signs up by themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from kyc.desk.sensitive import is_fresh
from kyc.desk.together import Rows
from kyc.models import User
from kyc.models.people import GRANTED, Granted

MISMATCH = gettext_lazy("That username and password do not match.")


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter with registration closed, and with the desk's words."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": MISMATCH,
        "too_many_login_attempts": gettext_lazy("There were too many failed attempts."),
        "enter_current_password": gettext_lazy("This is not your current password."),
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
            super().add_message(request, level, message=gettext("Your password is changed."))

    def get_login_stages(self) -> list[str]:
        return ["kyc.desk.second_step.FactorStage"]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A sign-in of a moment ago needs no confirmation, wherever allauth asks."""
        return not is_fresh(self.request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("queue")


class RoleBackend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's backend, where what a person may do comes with the roles alone: one query gives both.

    Whoever is signed in is read with their roles.
    """

    def get_user(self, user_id: Any) -> User | None:
        roles = Group.objects.filter(user=OuterRef("pk")).order_by().values_list(*GRANTED)
        person: Any = User.objects.annotate(in_roles=Rows(roles)).filter(pk=user_id).first()
        if person is None or not self.user_can_authenticate(person):
            return None
        person.granted = Granted.read(person.__dict__.pop("in_roles"))
        found: User = person
        return found

    def get_group_permissions(self, user_obj: User | AnonymousUser, obj: Model | None = None) -> set[str]:
        if obj is not None or not isinstance(user_obj, User) or user_obj.is_superuser:
            found: set[str] = super().get_group_permissions(user_obj, obj)
            return found
        return set(user_obj.granted.permissions) if user_obj.is_active else set()

    def with_perm(
        self,
        perm: str | Permission,
        is_active: bool | None = True,
        include_superusers: bool = True,
        obj: Model | None = None,
    ) -> QuerySet[User]:
        """Return the people to whom a role of theirs grants a permission, and superusers."""
        people: QuerySet[User] = super().with_perm(perm, is_active, include_superusers, obj)
        if isinstance(perm, Permission):
            named = Permission.objects.filter(pk=perm.pk)
        else:
            app_label, codename = perm.split(".")
            named = Permission.objects.filter(content_type__app_label=app_label, codename=codename)
        by_role = Q(Exists(named.filter(group__user=OuterRef("pk"))))
        return people.filter(by_role | Q(is_superuser=True) if include_superusers else by_role)

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:
        return Permission.objects.none()
