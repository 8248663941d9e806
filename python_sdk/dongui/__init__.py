"""dongui (동의, consent): the SDK. Records only what a visitor has consented to, and nothing before."""

from dongui.client import Client
from dongui.errors import AnswerError, ConfigurationError, DonguiError, PolicyError
from dongui.http.delivery import Delivery
from dongui.middleware import ConsentMiddleware
from dongui.policy import Policy
from dongui.result import Result
from dongui.version import __version__
from dongui.web.consent import Consent

__all__ = [
    "AnswerError",
    "Client",
    "ConfigurationError",
    "Consent",
    "ConsentMiddleware",
    "Delivery",
    "DonguiError",
    "Policy",
    "PolicyError",
    "Result",
    "__version__",
]
