"""Where this desk's own addresses ask for something other than Django's default."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class HostCheckMiddleware(CommonMiddleware):
    """Django's own, but for the machines' addresses: a Host header that a proxy rewrote must not cost Ralio an event."""

    machines = ("/webhooks/ralio", "/health/")

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if request.path_info.startswith(self.machines):
            return None
        return super().process_request(request)
