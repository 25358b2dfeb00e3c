"""Tags for sentences about people, each translated as a whole: its reader is "you", everybody else a name."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext

from kyc.models import User

register = template.Library()

ROLES = {
    "officer": gettext_lazy("Your role is Officer."),
    "supervisor": gettext_lazy("Your role is Supervisor."),
    "auditor": gettext_lazy("Your role is Auditor."),
    "admin": gettext_lazy("Your role is Admin."),
}


@register.filter
def your_role(role: str) -> str:
    """Tell a person which role is theirs, in a sentence."""
    return str(ROLES.get(role, ""))


@register.simple_tag(takes_context=True)
def actor(context: RequestContext, person: User | None) -> str:
    """Name who did something, as a sentence begins; the desk itself where no person did it."""
    if person is None:
        return gettext("The desk")
    return gettext("You") if person == context.request.user else person.username


@register.simple_tag(takes_context=True)
def whom(context: RequestContext, person: User | str) -> str:
    """Name a person, or one of this name, in the middle of a sentence."""
    name = person if isinstance(person, str) else person.username
    return pgettext("to or by you", "you") if name == context.request.user.get_username() else name


@register.simple_tag(takes_context=True)
def told(
    context: RequestContext,
    words: str,
    by: User | None,
    other: User | str = "",
    state: str = "",
    is_bold: bool = False,
) -> SafeString:
    """Write a sentence that names its people as `%(person)s` and `%(other)s`, and a state as `%(state)s`."""
    person = escape(actor(context, by))
    values = {
        "person": f"<b>{person}</b>" if is_bold else person,
        "other": escape(whom(context, other)) if other else "",
        "state": escape(state),
    }
    return SafeString(escape(words) % values)
