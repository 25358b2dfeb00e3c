"""All settings, read from the environment; README lists the ones a stranger may set."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from config import environment
from config.environment import env

django_stubs_ext.monkeypatch()

FOUR_EYES = frozenset({"none", "overrides", "approvals", "rejections", "all"})

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env(BASE_DIR / ".env")

DEBUG = environment.flag("DJANGO_DEBUG", default=True)
SECRET_KEY = environment.required(
    "DJANGO_SECRET_KEY", development="development-only-not-a-secret-" + "0" * 40, debug=DEBUG
)
ALLOWED_HOSTS = environment.items("DJANGO_ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.web_addresses("DJANGO_CSRF_TRUSTED_ORIGINS")

# --- Ralio ---------------------------------------------------------------------------------------
RALIO_WEBHOOK_SECRETS = [
    secret.strip()
    for secret in environment.required(
        "RALIO_WEBHOOK_SECRETS", development="development-webhook-secret", debug=DEBUG
    ).split(",")
    if secret.strip()
]
if not RALIO_WEBHOOK_SECRETS:
    raise ImproperlyConfigured("RALIO_WEBHOOK_SECRETS holds only empty items: name at least one secret.")
RALIO_WEBHOOK_MAX_BYTES = environment.whole("RALIO_WEBHOOK_MAX_BYTES", default=8 * 1024 * 1024, least=1)
RALIO_REFUSED_MAX_ROWS = environment.whole("RALIO_REFUSED_MAX_ROWS", default=10_000, least=1)
RALIO_REFUSED_MAX_BYTES = environment.whole("RALIO_REFUSED_MAX_BYTES", default=64 * 1024 * 1024, least=1)
# Ralio's REST API: asked for what events leave out. Empty: off.
environment.together("RALIO_API_URL", "RALIO_API_CODE", "RALIO_API_KEY")
RALIO_API_URL = environment.web_address("RALIO_API_URL")
if RALIO_API_URL.startswith("http://") and not DEBUG:
    raise ImproperlyConfigured(
        "RALIO_API_URL must begin with https:// in production: the key would be read on its way."
    )
RALIO_API_CODE = env.str("RALIO_API_CODE", default="").strip()
RALIO_API_KEY = env.str("RALIO_API_KEY", default="").strip()

# --- The desk ------------------------------------------------------------------------------------
(DESK_URL,) = environment.web_addresses("DESK_URL", default="http://127.0.0.1:8000")
KYC_REVIEW_SLA = timedelta(hours=environment.whole("KYC_REVIEW_SLA_HOURS", default=24, least=1))
KYC_BUSINESS_HOURS = environment.business_hours("KYC_BUSINESS_HOURS")
KYC_HOLIDAYS_COUNTRY = environment.holidays_of("KYC_HOLIDAYS_COUNTRY")
if KYC_HOLIDAYS_COUNTRY and not KYC_BUSINESS_HOURS:
    raise ImproperlyConfigured(
        "KYC_HOLIDAYS_COUNTRY needs KYC_BUSINESS_HOURS: around the clock has no holidays."
    )
KYC_DUE_SOON = timedelta(hours=environment.whole("KYC_DUE_SOON_HOURS", default=4))
KYC_CLAIM = timedelta(minutes=environment.whole("KYC_CLAIM_MINUTES", default=60, least=1))
KYC_UNDO = timedelta(minutes=environment.whole("KYC_UNDO_MINUTES", default=5))
KYC_FOUR_EYES = environment.chosen("KYC_FOUR_EYES", default="overrides", among=FOUR_EYES)
# What the subject is told of, by mail.
KYC_SUBJECT_MAILS = environment.some(
    "KYC_SUBJECT_MAILS", among=["verification_failed", "verified", "expired", "session_created"]
)
# When the day's digest is written, in KYC_TIME_ZONE; None: there is none.
KYC_DIGEST_TIME = environment.time_of_day("KYC_DIGEST_TIME", default="08:00")
COMPLIANCE_TEAM_EMAILS = environment.mail_addresses("COMPLIANCE_TEAM_EMAILS")

# --- When the inbox is unwell --------------------------------------------------------------------
KYC_INBOX_SILENCE_GAPS = environment.whole("KYC_INBOX_SILENCE_GAPS", default=10, least=2)
KYC_INBOX_SILENCE = timedelta(minutes=environment.whole("KYC_INBOX_SILENCE_MINUTES", default=15, least=1))
KYC_INBOX_WRONG_SIGNATURES = environment.whole("KYC_INBOX_WRONG_SIGNATURES", default=1, least=1)
KYC_INBOX_REFUSED = environment.whole("KYC_INBOX_REFUSED", default=100, least=1)
KYC_INBOX_QUARANTINED = timedelta(minutes=environment.whole("KYC_INBOX_QUARANTINED_MINUTES", default=60))
KYC_INBOX_FAILED_TRIES = environment.whole("KYC_INBOX_FAILED_TRIES", default=3, least=1)
KYC_INBOX_REPEATS_PERCENT = environment.whole("KYC_INBOX_REPEATS_PERCENT", default=20, least=1)

TIME_ZONE = env.str("KYC_TIME_ZONE", default="UTC")
try:
    ZoneInfo(TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError, OSError):
    raise ImproperlyConfigured(f"KYC_TIME_ZONE is not a time zone: {TIME_ZONE!r}.") from None
USE_TZ = True
# What the desk speaks, and what it speaks to whoever has not said: the team's addresses, a subject without a language.
LANGUAGES = [("en-gb", "English"), ("es", "Español")]
LANGUAGE_CODE = environment.chosen("KYC_LANGUAGE", default="en-gb", among=frozenset(dict(LANGUAGES)))
LANGUAGE_COOKIE_NAME = "desk_language"
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "config.formats"

# --- Applications --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "kyc.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "rest_framework",
    "config",
    "kyc",
    "notifications",
]
MIDDLEWARE = [
    "config.middleware.OriginMiddleware",
    "config.middleware.WebhookMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.HostCheckMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
# `i18n` is two libraries on purpose, see TEMPLATES.
SILENCED_SYSTEM_CHECKS = ["templates.W003"]
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kyc.desk.context.desk",
            ],
            # The same tags, faster.
            "libraries": {"i18n": "kyc.templatetags.words"},
        },
    },
]

# --- Database ------------------------------------------------------------------------------------
# A folder's name may hold what means something else in a URL.
OWN_FILE = quote_plus(str(BASE_DIR / "db.sqlite3"), safe="/")
DATABASES = {"default": environment.database(default=f"sqlite:///{OWN_FILE}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Take the write lock first, so that two writers queue up instead of failing half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        # FULL: what was acknowledged survives a power cut.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["OPTIONS"] = {
        # To compile a page's query takes longer than the query, and by its estimates PostgreSQL would at times.
        "options": "-c jit=off",
        **DATABASES["default"].get("OPTIONS", {}),
        # Waiting for a connection ends within 5 s, so that the webhook answers 503 instead of hanging.
        "connect_timeout": 4,
        "pool": {
            "min_size": 1,
            "max_size": environment.whole("DATABASE_POOL_SIZE", default=16, least=1),
            "timeout": 4,
        },
    }

# --- Sign-in -------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["kyc.desk.accounts.RoleBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "queue"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
AUTH_USER_MODEL = "kyc.User"
ACCOUNT_ADAPTER = "kyc.desk.accounts.ClosedAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
# Failed sign-ins are counted per address and per name, for every web process alike, so their place is the database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kyc_cache"}}
ALLAUTH_TRUSTED_PROXY_COUNT = int(environment.flag("DJANGO_BEHIND_PROXY", default=False))

# --- Mail ----------------------------------------------------------------------------------------
MAILERS = {"default": environment.mailer(env.str("EMAIL_URL", default="consolemail://"))}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="KYC Desk <kyc-desk@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# By what notifications leave: the name that each row bears, and the class that sends it.
NOTIFICATION_CHANNELS = {"email": "notifications.channels.email.EmailChannel"}

# --- Static files --------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Security ------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
BEHIND_PROXY = environment.flag("DJANGO_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = not DEBUG
# A redirect would lose Ralio's event, and a health probe speaks plain HTTP inside the network.
SECURE_REDIRECT_EXEMPT = [r"^webhooks/ralio/?$", r"^health/"]
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

# --- Logs: ids only, to standard error -----------------------------------------------------------
LOG_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["console"],
        "level": environment.chosen("LOG_LEVEL", default="WARNING", among=LOG_LEVELS),
    },
    "loggers": {
        "kyc": {"level": "INFO"},
        "notifications": {"level": "INFO"},
        "config": {"level": "INFO"},
        # Not a line for each 4xx: what the webhook refuses is kept, and a flood must not fill the disk by way of the log.
        "django.request": {"level": "ERROR"},
    },
}
