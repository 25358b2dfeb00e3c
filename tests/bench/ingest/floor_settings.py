"""Settings of the floor's project: what `startproject` writes, and DRF."""

from __future__ import annotations

from tests.server import SECRET

SECRET_KEY = "bench" * 10
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
RALIO_WEBHOOK_SECRETS = [SECRET]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "tests.bench.ingest.floor"
DATABASES: dict[str, object] = {}
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
