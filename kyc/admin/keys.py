"""What somebody signs in with, on a page of its own in the admin, where another person takes it from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from kyc.models import User


def keys_page(
    users: admin.ModelAdmin[User],
    request: HttpRequest,
    pk: int,
    *,
    title: str,
    template: str,
    shown: Callable[[User], Sequence[Any]],
    remove: Callable[[HttpRequest, User], None],
) -> HttpResponse:
    """Show what is `shown`, and `remove` it when that is posted. Nobody takes their own here.

    The title names the person as `%(person)s`.
    """
    person = get_object_or_404(User, pk=pk)
    if not users.has_change_permission(request, person):
        raise PermissionDenied
    is_own = person == request.user
    if request.method == "POST" and not is_own:
        remove(request, person)
        return HttpResponseRedirect(reverse("admin:kyc_user_change", args=[pk]))
    context = {
        **users.admin_site.each_context(request),
        "opts": users.opts,
        "title": title % {"person": person},
        "person": person,
        "is_own": is_own,
        "shown": shown(person),
    }
    return TemplateResponse(request, template, context)
