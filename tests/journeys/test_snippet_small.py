"""Small windows, long names, many purposes and both directions push no button of the question out of sight."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.shots import collector_answer
from tests.journeys.snippet_steps import BANNER
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

LONG = {
    "ko": "대한민국 중소기업 상생 협력 재단 부설 디지털 전환 지원 센터 주식회사",
    "en": "The Very Long Named International Association of Independent Craftspeople and Traders Limited",
}
#: Buttons that are out of sight or too low, whether the text is hardly to be seen, and whether anything is cut off.
LOOK = """() => {
  const root = document.querySelector("dongui-root").shadowRoot
  const out = [...root.querySelectorAll("footer button")].filter((e) => {
    const { left, right, top, bottom, height } = e.getBoundingClientRect()
    const outside = left < 0 || right > innerWidth || top < 0 || bottom > innerHeight
    return outside || height < 24 || e.scrollWidth > e.clientWidth + 1
  })
  const [dialog, main] = ["dialog", "main"].map((name) => root.querySelector(name))
  const cut = main.scrollWidth > main.clientWidth || dialog.scrollHeight > dialog.clientHeight
  return [out.map((e) => e.dataset.action), main.clientHeight < 30, cut]
}"""


def six(request: Request) -> Answer | None:
    """The seed's notice with six purposes, two of them with a tick of their own, and a long name of the controller."""
    answer = collector_answer(request)
    if not answer or request.path != "/v1/notice":
        return answer
    body = json.loads(answer[2])
    body["controller"]["name"] = LONG[body["lang"]]
    first, second = [p for p in body["purposes"] if p["basis"] == "consent"][:2]
    body["purposes"] += [first | {"id": "fifth", "label": f"{first['label']} 2"}]
    body["purposes"] += [second | {"id": "sixth", "label": f"{second['label']} 2", "signals": ["gpc"]}]
    return *answer[:2], json.dumps(body).encode()


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("position", ["bottom", "corner", "bar", "top"])
def test_long_names_and_six_purposes_push_no_button_out(
    page: Page, site: Stub, collector: Stub, lang: str, position: str
) -> None:
    collector.intercept = six
    page.emulate_media(reduced_motion="reduce")
    for direction in ("ltr", "rtl"):
        words = f"""data-words='{{"dir": "{direction}"}}'"""
        site.pages["/"] = page_of(collector, attributes=f'data-position="{position}" {words}', lang=lang)
        page.goto(site.origin)
        expect(page.locator(BANNER)).to_be_visible()
        for width, height in ((320, 200), (320, 256), (360, 740), (640, 400), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"innerWidth == {width} && innerHeight == {height}")
            assert page.evaluate(LOOK) == [[], False, False], (direction, width, height)
