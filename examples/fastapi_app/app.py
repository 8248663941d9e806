"""An API with one page. ``DONGUI_SITE``, ``DONGUI_COLLECTOR`` and ``DONGUI_SECRET_KEY`` come from the environment."""

from __future__ import annotations

from typing import Annotated

from dongui import Consent
from dongui.integrations.starlette import ConsentMiddleware, consent_of, requires_consent
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

RECIPES = {"kimbap": "김밥", "bibimbap": "비빔밥", "naengmyeon": "냉면"}

PAGE = """<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><title>오늘의 한 끼</title></head>
<body><h1>오늘의 한 끼</h1><ul>{recipes}</ul><p>{for_you}</p>
<p><button data-dongui="preferences">쿠키 설정</button></p></body></html>"""

app = FastAPI()
app.add_middleware(ConsentMiddleware, inject=True)


@app.get("/", response_class=HTMLResponse)
def page(consent: Annotated[Consent, Depends(consent_of)]) -> HTMLResponse:
    """The page. Its cookie passes only where statistics were granted."""
    recipes = "".join(f"<li>{name}</li>" for name in RECIPES.values())
    for_you = (
        '<a href="/for-you">나를 위한 한 끼</a>' if consent.granted("personalisation") else "맞춤 추천이 꺼져 있습니다."
    )
    response = HTMLResponse(PAGE.format(recipes=recipes, for_you=for_you))
    response.set_cookie("_ga", "GA1.1.example")
    return response


@app.get("/for-you")
def for_you(consent: Annotated[Consent, Depends(requires_consent("personalisation"))]) -> dict[str, str]:
    """Only for those who agreed."""
    return {"recipe": RECIPES["bibimbap"]}
