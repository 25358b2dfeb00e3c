""" "Claim next": the most urgent free session of the view that is open."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kyc import review
from kyc.desk.access import DeskRequest, requires
from kyc.desk.asking import Asked
from kyc.desk.neighbours import address
from kyc.desk.views import View
from kyc.review.acts import DECIDE


@require_POST
@never_cache
@requires(DECIDE)
def claim_next(request: DeskRequest) -> HttpResponse:
    """Claim a session of the view that `from` says, in its order, and open it there."""
    asked = Asked.of(request.POST.get("from", ""), request.user)
    sessions, keys = asked.found(timezone.now())
    is_for_checking = asked.filters.view == View.SECOND
    session = review.claim_next(sessions.order_by(*keys), by=request.user, is_for_checking=is_for_checking)
    if session is None:
        messages.info(request, gettext("Nothing left to claim in this view."))
        return redirect(asked.url)
    return redirect(address(session.pk, asked.query))
