"""All settings, read from the environment; README lists the ones a stranger may set."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from config import environment, logs
from config.environment import env

django_stubs_ext.monkeypatch()

ROLES = frozenset({"officer", "supervisor", "auditor", "admin"})
FOUR_EYES = frozenset({"none", "overrides", "approvals", "rejections", "all"})

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env(BASE_DIR / ".env")

DEBUG = environment.flag("DJANGO_DEBUG", default=True)
SECRET_KEY = environment.required(
    "DJANGO_SECRET_KEY", development="development-only-not-a-secret-" + "0" * 40, debug=DEBUG
)
# Earlier keys, while what they signed or encrypted is still to be read.
SECRET_KEY_FALLBACKS = environment.items("DJANGO_SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = environment.hosts("DJANGO_ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]", debug=DEBUG)
CSRF_TRUSTED_ORIGINS = environment.origins("DJANGO_CSRF_TRUSTED_ORIGINS")

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
RALIO_REFUSED_MAX_BYTES = environment.whole(
    "RALIO_REFUSED_MAX_BYTES", default=64 * 1024 * 1024, least=1, most=2**40
)
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
(DESK_URL,) = environment.origins("DESK_URL", default="http://127.0.0.1:8000")
KYC_REVIEW_SLA = environment.hours("KYC_REVIEW_SLA_HOURS", default=24, least=1)
KYC_BUSINESS_HOURS = environment.business_hours("KYC_BUSINESS_HOURS")
KYC_HOLIDAYS_COUNTRY = environment.holidays_of("KYC_HOLIDAYS_COUNTRY")
if KYC_HOLIDAYS_COUNTRY and not KYC_BUSINESS_HOURS:
    raise ImproperlyConfigured(
        "KYC_HOLIDAYS_COUNTRY needs KYC_BUSINESS_HOURS: around the clock has no holidays."
    )
KYC_DUE_SOON = environment.hours("KYC_DUE_SOON_HOURS", default=4)
KYC_CLAIM = environment.minutes("KYC_CLAIM_MINUTES", default=60, least=1)
KYC_UNDO = environment.minutes("KYC_UNDO_MINUTES", default=5)
KYC_FOUR_EYES = environment.chosen("KYC_FOUR_EYES", default="overrides", among=FOUR_EYES)
# What the subject is told of, by mail.
KYC_SUBJECT_MAILS = environment.some(
    "KYC_SUBJECT_MAILS", among=["verification_failed", "verified", "expired", "session_created"]
)
# When the day's digest is written, in KYC_TIME_ZONE; None: there is none.
KYC_DIGEST_TIME = environment.time_of_day("KYC_DIGEST_TIME", default="08:00")
COMPLIANCE_TEAM_EMAILS = environment.mail_addresses("COMPLIANCE_TEAM_EMAILS")
# When the ledger is sealed each day, in KYC_TIME_ZONE, and where the seals are kept; None: only by hand.
KYC_SEAL_TIME = environment.time_of_day("KYC_SEAL_TIME", default="00:15")
KYC_SEAL_EMAILS = environment.mail_addresses("KYC_SEAL_EMAILS")
KYC_SEARCHES_PER_MINUTE = environment.whole("KYC_SEARCHES_PER_MINUTE", default=60, least=1)
KYC_EXPORTS_PER_HOUR = environment.whole("KYC_EXPORTS_PER_HOUR", default=20, least=1)

# --- How long what is kept about subjects stays ---------------------------------------------------
# Nothing personal is overwritten sooner than this after the last that came or was done about its subject.
KYC_LEGAL_MINIMUM = environment.days("KYC_LEGAL_MINIMUM_DAYS", default=1826)
# By kind of data; None: it stays until somebody asks for its erasure.
KYC_RETENTION = {
    kind: environment.retention(f"KYC_RETAIN_{kind.upper()}_DAYS", legal_minimum=KYC_LEGAL_MINIMUM)
    for kind in ("bodies", "checks", "contacts", "notes", "messages")
}

# --- When the inbox is unwell --------------------------------------------------------------------
KYC_INBOX_SILENCE_GAPS = environment.whole("KYC_INBOX_SILENCE_GAPS", default=10, least=2, most=1000)
KYC_INBOX_SILENCE = environment.minutes("KYC_INBOX_SILENCE_MINUTES", default=15, least=1)
KYC_INBOX_WRONG_SIGNATURES = environment.whole("KYC_INBOX_WRONG_SIGNATURES", default=1, least=1)
KYC_INBOX_REFUSED = environment.whole("KYC_INBOX_REFUSED", default=100, least=1)
KYC_INBOX_QUARANTINED = environment.minutes("KYC_INBOX_QUARANTINED_MINUTES", default=60)
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
    "allauth.mfa",
    "kyc.apps.SittingsConfig",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "rest_framework",
    "config",
    "kyc",
    "notifications",
]
MIDDLEWARE = [
    "config.middleware.OriginMiddleware",
    "config.middleware.WebhookMiddleware",
    "config.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.HostCheckMiddleware",
    "config.crossing.CrossingMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.sittings.SittingMiddleware",
    "config.middleware.LanguageMiddleware",
    "config.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "kyc.desk.gate.GateMiddleware",
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
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kyc_cache",
        # By default 300: a flood of names would wash out what was counted of the others.
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
ALLAUTH_TRUSTED_PROXY_COUNT = int(environment.flag("DJANGO_BEHIND_PROXY", default=False))

# --- How long a sign-in lasts --------------------------------------------------------------------
KYC_SESSION_IDLE = environment.minutes("KYC_SESSION_IDLE_MINUTES", default=30, least=1)
KYC_SESSION = environment.hours("KYC_SESSION_HOURS", default=12, least=1)
SESSION_COOKIE_AGE = int(KYC_SESSION.total_seconds())

# --- Sign-in through the company's identity provider: OpenID Connect. Empty: off ------------------
environment.together("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
OIDC_ISSUER = environment.web_address("OIDC_ISSUER")
if OIDC_ISSUER.startswith("http://") and not DEBUG:
    raise ImproperlyConfigured(
        "OIDC_ISSUER must begin with https:// in production: anybody on the way could sign in as anybody."
    )
OIDC_NAME = env.str("OIDC_NAME", default="").strip() or "OpenID Connect"
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="").strip() or "groups"
OIDC_ROLES = environment.roles_of_groups("OIDC_ROLES", among=ROLES)
if OIDC_ISSUER and not OIDC_ROLES:
    raise ImproperlyConfigured("OIDC_ROLES is not set: without a group that has a role nobody could sign in.")
# Where else a sign-in leads on its way through the provider: browsers follow a form's redirects nowhere else.
OIDC_ORIGINS = environment.origins("OIDC_ORIGINS")
# Whether a sign-in there counts as a second factor here.
OIDC_TRUSTS_MFA = environment.flag("OIDC_TRUSTS_MFA", default=False)
# Part of the address that the provider sends people back to, and of each account that came from there.
OIDC_PROVIDER_ID = "company"
SOCIALACCOUNT_ADAPTER = "kyc.desk.provider_people.ProviderPeopleAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": OIDC_PROVIDER_ID,
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID", default="").strip(),
                "secret": env.str("OIDC_CLIENT_SECRET", default="").strip(),
                "settings": {"server_url": OIDC_ISSUER},
            }
        ],
    }
}

# --- Second factor -------------------------------------------------------------------------------
KYC_MFA_REQUIRED = environment.flag("KYC_MFA_REQUIRED", default=not DEBUG)
MFA_ADAPTER = "kyc.desk.factors.DeskMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "KYC Desk"
# A clock may be half a minute off; `factors.spend` sees to it that a code counts once all the same.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True

# --- Mail ----------------------------------------------------------------------------------------
MAILERS = {"default": environment.mailer(env.str("EMAIL_URL", default="consolemail://"))}
DEFAULT_FROM_EMAIL = environment.sender("DEFAULT_FROM_EMAIL", default="KYC Desk <kyc-desk@localhost>")
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
# Not "no-referrer": with that a browser hides a form's origin from us, too, and it would be refused as forged.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Links from mails and the way back from the identity provider still find who is signed in: `config.crossing`.
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
if not DEBUG:
    # A browser takes a cookie of such a name over https only, and from this very host.
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_NAME = "__Host-sessionid"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

# --- Logs: ids only, to standard error -----------------------------------------------------------
LOG_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
LOGGING_CONFIG = "config.logs.configure"
LOGGING = logs.settings_for(
    level=environment.chosen("LOG_LEVEL", default="WARNING", among=LOG_LEVELS),
    form=environment.chosen("LOG_FORMAT", default="console" if DEBUG else "json", among=logs.FORMATS),
)
