"""The floor: a DRF view that verifies the signature, decodes the JSON and keeps nothing.

A plain Django project: the middleware that `startproject` writes, DRF without authentication, no database.
This module is its settings' ROOT_URLCONF.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import path
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kyc.ralio import signature
from tests.bench.ingest.signed import WEBHOOK


class Verified(APIView):
    """Answer a signed JSON body as the desk does."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        sent = request.headers.get("X-Signature")
        if not signature.verify(sent, request._request.body, settings.RALIO_WEBHOOK_SECRETS):
            raise AuthenticationFailed
        return Response({"received": bool(request.data)})


urlpatterns = [path(WEBHOOK.lstrip("/"), Verified.as_view())]
