"""What a demo's mail folder holds about one session."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kyc import ledger
from kyc.desk import unmasking
from kyc.desk.masking import may_see, of_session
from kyc.models import Session, User
from notifications.folder import mail_folder, mails_about


@require_safe
@login_required
@permission_required("kyc.view_session", raise_exception=True)
def mail(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show the session's messages, headers and text, as plain text."""
    folder = mail_folder()
    if folder is None:
        raise Http404("No mail folder is configured.")
    session = get_object_or_404(Session, pk=session_id)
    if not may_see(request, of_session(session.pk)):
        return unmasking.refused(request, unmasking.of_session(session.pk))
    _record_read(request, session)
    return render(
        request, "notifications/mail.html", {"session": session, "mails": mails_about(session, folder)}
    )


def _record_read(request: HttpRequest, session: Session) -> None:
    reader = request.user
    assert isinstance(reader, User), "Visitors were sent to sign in."  # noqa: S101
    with transaction.atomic():
        ledger.append(ledger.person_chain(reader), "mail.read", actor=reader, session=str(session.pk))
