"""dongui (동의, consent): the SDK. Records only what a visitor has consented to, and nothing before."""

from dongui.answer import Answer
from dongui.client import Client
from dongui.consent import Consent
from dongui.errors import AnswerError, ConfigurationError, DonguiError, PolicyError
from dongui.middleware import ConsentMiddleware
from dongui.policy import Policy
from dongui.transport import Delivery

__all__ = [
    "Answer",
    "AnswerError",
    "Client",
    "ConfigurationError",
    "Consent",
    "ConsentMiddleware",
    "Delivery",
    "DonguiError",
    "Policy",
    "PolicyError",
]
