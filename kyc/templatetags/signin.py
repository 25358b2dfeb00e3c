"""What the sign-in page says besides its form."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.template.context import RequestContext
from django.utils.translation import gettext, ngettext

from kyc.desk import provider
from kyc.sittings import Ending

register = template.Library()


@register.simple_tag
def identity_provider() -> str:
    """Return what the company's identity provider is called, or "" where there is none."""
    return settings.OIDC_NAME if provider.is_there() else ""


@register.simple_tag
def identity_provider_id() -> str:
    return str(settings.OIDC_PROVIDER_ID)


@register.simple_tag
def idle_seconds() -> int:
    """Return after how long without use a sign-in ends."""
    return int(settings.KYC_SESSION_IDLE.total_seconds())


@register.simple_tag(takes_context=True)
def why_signed_out(context: RequestContext) -> str:
    """Return why somebody finds themselves here again, or "" where they came by themselves."""
    match context["request"].GET.get("ended"):
        case Ending.IDLE:
            minutes = int(settings.KYC_SESSION_IDLE.total_seconds() // 60)
            words = ngettext(
                "You were signed out after %(n)d minute without use.",
                "You were signed out after %(n)d minutes without use.",
                minutes,
            )
            return words % {"n": minutes}
        case Ending.HOURS:
            hours = int(settings.KYC_SESSION.total_seconds() // 3600)
            words = ngettext(
                "You were signed out %(n)d hour after you signed in.",
                "You were signed out %(n)d hours after you signed in.",
                hours,
            )
            return words % {"n": hours}
        case Ending.GONE:
            return gettext(
                "Your sign-in has ended: somebody ended it from elsewhere, or your access changed."
            )
    return ""
