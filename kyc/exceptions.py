"""What a person may be refused, in words for the screen."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError


class CorrectionForbidden(PermissionDenied):
    """Who asks may not correct sessions."""


class CorrectionRefused(ValidationError):
    """The correction cannot be made as it was asked for. Names the fields at fault where there are some."""


class CorrectionOutdated(CorrectionRefused):
    """What is to be corrected has changed since the person saw it."""


class ReplayForbidden(PermissionDenied):
    """Who asks may not replay deliveries."""


class ActForbidden(PermissionDenied):
    """Who asks may not do this, whatever they type. The words say who can."""


class ActRefused(ValidationError):
    """The act cannot be done as it was asked for. Names the fields at fault where there are some."""


class SessionChanged(ActRefused):
    """The session is not what the person saw: it was decided, claimed anew, or Ralio sent more."""


class ClaimedByAnother(ActRefused):
    """Somebody else holds the session."""
