"""The smallest settings that show dongui. `DONGUI_SITE`, `_COLLECTOR`, `_SECRET_KEY` come from the environment."""

from __future__ import annotations

import secrets

SECRET_KEY = secrets.token_urlsafe(50)
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "guide.urls"
WSGI_APPLICATION = "guide.wsgi.application"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
USE_TZ = True

INSTALLED_APPS = ["guide", "dongui.integrations.django"]

MIDDLEWARE = [
    "dongui.integrations.django.ConsentMiddleware",  # first: above everything that sets cookies
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
